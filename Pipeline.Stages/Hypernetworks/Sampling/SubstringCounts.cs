using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>
/// Scores the substrings of texts: the score is the number of occurrences times the length in bytes. Substrings are spelt in the byte alphabet.
/// ZeTT's own program counts the bytes of this spelling, and also starts inside characters. Here the bytes of the text count, and substrings start
/// at characters.
/// </summary>
internal static class SubstringCounts
{
    /// <summary>The pattern that texts are cut by before substrings are taken. A sampled tokenizer splits by it too.</summary>
    public const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s";

    private static readonly PatternMatcher Matcher = PatternMatcher.Compile(Pattern);

    /// <summary>The scores of some texts. A text that occurs twice counts once, and a space is put in front of each.</summary>
    /// <param name="texts">Well-formed texts.</param>
    /// <param name="maxBytes">The length of the longest substring in bytes.</param>
    /// <param name="stride">n: substrings start at every n-th character of a piece, beginning with the first.</param>
    public static Dictionary<string, long> Of(IEnumerable<string> texts, int maxBytes, int stride)
    {
        var scores = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string text in texts.Distinct(StringComparer.Ordinal))
        {
            foreach (string piece in Pieces(" " + text))
                Add(piece, maxBytes, stride, scores);
        }
        return scores;
    }

    /// <summary>Adds scores to others.</summary>
    public static void Add(IReadOnlyDictionary<string, long> more, Dictionary<string, long> to)
    {
        foreach ((string piece, long score) in more)
            CollectionsMarshal.GetValueRefOrAddDefault(to, piece, out _) += score;
    }

    /// <summary>Cuts a text by <see cref="Pattern"/>. What lies between two matches is a piece too.</summary>
    public static List<string> Pieces(string text)
    {
        var pieces = new List<string>();
        var scratch = new SplitScratch();
        scratch.Match.Reset(text.Length);
        var matches = new MatchWalk(Matcher, text, scratch);
        int before = 0;
        while (matches.Next(out int start, out int end))
        {
            if (start > before)
                pieces.Add(text[before..start]);
            if (end > start)
                pieces.Add(text[start..end]);
            before = end;
        }
        if (before < text.Length)
            pieces.Add(text[before..]);
        return pieces;
    }

    private static void Add(string piece, int maxBytes, int stride, Dictionary<string, long> scores)
    {
        var lookup = scores.GetAlternateLookup<ReadOnlySpan<char>>();
        byte[] bytes = Encoding.UTF8.GetBytes(piece);
        string spelt = ByteAlphabet.Text(bytes);
        int character = 0;
        for (int start = 0; start < bytes.Length; start++)
        {
            bool begins = (bytes[start] & 0xC0) != 0x80;
            if (!begins || character++ % stride != 0)
                continue;
            for (int length = 1; length <= Math.Min(maxBytes, bytes.Length - start); length++)
                CollectionsMarshal.GetValueRefOrAddDefault(lookup, spelt.AsSpan(start, length), out _) += length;
        }
    }
}
