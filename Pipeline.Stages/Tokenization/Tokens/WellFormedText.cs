using System.Buffers;
using System.Text;

namespace Pipeline.Stages.Tokenization.Tokens;

/// <summary>
/// The form in which both tokenizers of a pair get their text: well-formed UTF-16 in NFC. Without it their byte views could not agree.
/// </summary>
internal static class WellFormedText
{
    // .NET does not normalize a text that contains this character. It composes with nothing, so the parts before and after it are normalized separately.
    private const char NotACharacter = '\uFFFE';

    private const char Replacement = '\uFFFD';

    /// <summary>Replaces each lone surrogate by U+FFFD and composes the text to NFC. A text that needs neither is returned as it is.</summary>
    public static string Normalize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Ascii.IsValid(text))
            return text;
        string wellFormed = IsWellFormed(text) ? text : Repair(text);
        if (!wellFormed.Contains(NotACharacter, StringComparison.Ordinal))
            return Compose(wellFormed);
        return string.Join(NotACharacter, wellFormed.Split(NotACharacter).Select(Compose));
    }

    private static string Compose(string text)
    {
        // The marks are sorted even before the check, because the check itself takes quadratic time on marks that are not in order.
        ReadOnlySpan<char> ordered = MarkOrder.Sort(text, NormalizationForm.FormC);
        string all = ordered.SequenceEqual(text) ? text : ordered.ToString();
        return all.IsNormalized(NormalizationForm.FormC) ? all : all.Normalize(NormalizationForm.FormC);
    }

    /// <summary>Whether every surrogate is half of a pair.</summary>
    internal static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        int at = text.IndexOfAnyInRange('\uD800', '\uDFFF');
        while (at >= 0 && at < text.Length)
        {
            if (at + 1 >= text.Length || !char.IsSurrogatePair(text[at], text[at + 1]))
                return false;
            int next = text[(at + 2)..].IndexOfAnyInRange('\uD800', '\uDFFF');
            at = next < 0 ? -1 : at + 2 + next;
        }
        return true;
    }

    /// <summary>Replaces each lone surrogate by U+FFFD.</summary>
    internal static string Repair(ReadOnlySpan<char> text)
    {
        char[] repaired = ArrayPool<char>.Shared.Rent(text.Length);
        text.CopyTo(repaired);
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
                i++;
            else
                repaired[i] = Replacement;
        }
        var result = new string(repaired, 0, text.Length);
        ArrayPool<char>.Shared.Return(repaired);
        return result;
    }
}
