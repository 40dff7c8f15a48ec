using System.Buffers;
using System.Text;

namespace Pipeline.Stages.Tokenization.Tokens;

/// <summary>
/// Puts long runs of combining marks into canonical order (Unicode, section 3.11, D108 and D109) before .NET normalizes them. The library inserts the
/// marks one by one, in a time that grows with the square of the run. Canonical order is a stable sort by class, so sorting beforehand changes no
/// result.
/// </summary>
internal static class MarkOrder
{
    private const int LongRun = 32;

    // Characters that consist of combining marks only. Every normalization form takes them apart, and none puts them together again.
    private static readonly Dictionary<int, string> s_apart = new() { [0x344] = "\u0308\u0301", [0xF73] = "\u0F71\u0F72", [0xF75] = "\u0F71\u0F74", [0xF81] = "\u0F71\u0F80" };

    // Characters that become combining marks in the compatibility forms.
    private static readonly Dictionary<int, string> s_compatible = new() { [0xFF9E] = "\u3099", [0xFF9F] = "\u309A" };

    /// <summary>The text with its long runs of marks in order, or the text itself if there is none.</summary>
    public static ReadOnlySpan<char> Sort(ReadOnlySpan<char> text, NormalizationForm form)
    {
        bool isCompatible = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        ArrayBufferWriter<char>? sorted = null;
        int written = 0;
        for (int at = text.IndexOfAnyInRange('\u0300', '\uFFFF'); at >= 0 && at < text.Length;)
        {
            int start = at, marks = 0;
            while (at < text.Length && IsMark(text, at, isCompatible, out int width))
            {
                at += width;
                marks++;
            }
            if (marks > LongRun)
            {
                sorted ??= new ArrayBufferWriter<char>(text.Length + 16);
                sorted.Write(text[written..start]);
                Write(text[start..at], isCompatible, sorted);
                written = at;
            }
            if (marks > 0)
                continue;
            int next = text[(at + 1)..].IndexOfAnyInRange('\u0300', '\uFFFF');
            at = next < 0 ? text.Length : at + 1 + next;
        }
        if (sorted is null)
            return text;
        sorted.Write(text[written..]);
        return sorted.WrittenSpan;
    }

    private static bool IsMark(ReadOnlySpan<char> text, int at, bool isCompatible, out int width)
    {
        int codePoint = CodePoint(text, at, out width);
        return CombiningClasses.Of(codePoint) > 0 || s_apart.ContainsKey(codePoint) || (isCompatible && s_compatible.ContainsKey(codePoint));
    }

    private static int CodePoint(ReadOnlySpan<char> text, int at, out int width)
    {
        width = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
        return width == 2 ? char.ConvertToUtf32(text[at], text[at + 1]) : text[at];
    }

    /// <summary>Sorts a run: collects its marks in one list for each class, in the order of the text, and writes the lists.</summary>
    private static void Write(ReadOnlySpan<char> run, bool isCompatible, ArrayBufferWriter<char> to)
    {
        var classes = new List<char>?[256];
        for (int at = 0; at < run.Length;)
        {
            int codePoint = CodePoint(run, at, out int width);
            if (s_apart.TryGetValue(codePoint, out string? parts) || (isCompatible && s_compatible.TryGetValue(codePoint, out parts)))
            {
                foreach (char part in parts)
                    (classes[CombiningClasses.Of(part)] ??= []).Add(part);
            }
            else
            {
                (classes[CombiningClasses.Of(codePoint)] ??= []).AddRange(run.Slice(at, width));
            }
            at += width;
        }
        foreach (List<char>? marks in classes)
            to.Write(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(marks));
    }
}
