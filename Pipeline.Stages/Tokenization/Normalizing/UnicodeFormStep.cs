using System.Buffers;
using System.Text;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>
/// NFC, NFD, NFKC or NFKD as Hugging Face's crate computes them. Characters that are newer than its tables stay where they are, and nothing moves across
/// them. Therefore each run of text between them is normalized by itself.
/// </summary>
internal sealed class UnicodeFormStep(NormalizationForm form) : NormalizerStep
{
    // U+FFFE is among them, because .NET does not normalize a text that contains it. No form changes it.
    private static readonly CodePointSet s_inert = CodePointSet.Parse(CharacterData.InertInNormalization + " fffe");
    private static readonly SearchValues<char> s_suspects = SearchValues.Create(MakeSuspects());

    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        ReadOnlySpan<char> text = segment.Characters;
        if (form == NormalizationForm.FormC ? !text.ContainsAnyInRange('\u0300', '\uFFFF') : Ascii.IsValid(text))
            return;
        int inert = NextInert(text, 0, out int width);
        if (inert < 0 && IsNormalized(text))
            return;
        segment.BeginRewrite();
        int from = 0;
        while (inert >= 0)
        {
            segment.RewriteNormalized(text[from..inert], form);
            segment.Rewrite(text.Slice(inert, width));
            from = inert + width;
            inert = NextInert(text, from, out width);
        }
        segment.RewriteNormalized(text[from..], form);
        segment.EndRewrite();
    }

    // The marks are sorted before the check, because the check itself takes quadratic time on marks that are not in order.
    private bool IsNormalized(ReadOnlySpan<char> text)
        => MarkOrder.Sort(text, form).SequenceEqual(text) && text.IsNormalized(form);

    private static int NextInert(ReadOnlySpan<char> text, int from, out int width)
    {
        for (int at = from; at < text.Length; at += width)
        {
            int skip = text[at..].IndexOfAny(s_suspects);
            width = 1;
            if (skip < 0)
                return -1;
            at += skip;
            if (!char.IsHighSurrogate(text[at]))
                return at;
            width = 2;
            if (s_inert.Contains(char.ConvertToUtf32(text[at], text[at + 1])))
                return at;
        }
        width = 0;
        return -1;
    }

    private static ReadOnlySpan<char> MakeSuspects()
    {
        var suspects = new List<char>();
        ReadOnlySpan<int> bounds = s_inert.Bounds;
        for (int i = 0; i < bounds.Length; i += 2)
        {
            for (int c = bounds[i]; c < bounds[i + 1]; c++)
            {
                char first = c < 0x10000 ? (char)c : char.ConvertFromUtf32(c)[0];
                if (!suspects.Contains(first))
                    suspects.Add(first);
            }
        }
        return suspects.ToArray();
    }
}
