using System.Buffers;
using System.Text;

namespace Pipeline.Stages.Tokenization.Tokens;

/// <summary>
/// The one form of text that both tokenizers of a pair are given: well-formed UTF-16 in NFC, so that their byte views can agree.
/// </summary>
internal static class WellFormedText
{
    // .NET refuses to normalize a text with it; it composes with nothing, so the text on its two sides can be normalized apart.
    private const char NotACharacter = '\uFFFE';

    private const char Replacement = '\uFFFD';

    /// <summary>Each lone surrogate becomes U+FFFD, then NFC. Text that is already so is returned as it is.</summary>
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
        // Checking whether unordered marks are normalized takes as long as ordering them.
        ReadOnlySpan<char> ordered = MarkOrder.Sort(text, NormalizationForm.FormC);
        string all = ordered.SequenceEqual(text) ? text : ordered.ToString();
        return all.IsNormalized(NormalizationForm.FormC) ? all : all.Normalize(NormalizationForm.FormC);
    }

    /// <summary>Whether every surrogate has its partner.</summary>
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

    /// <summary>Each lone surrogate becomes U+FFFD.</summary>
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
