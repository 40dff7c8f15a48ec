using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>
/// Scores of the substrings of a batch of texts: how often each occurs times its length in bytes. Keys are spelt in the byte alphabet.
/// ("Specified" counts: where ZeTT's own program counts bytes of the alphabet's spelling and starts inside characters, this takes bytes of the
/// text and starts at characters.)
/// </summary>
internal static class SubstringCounts
{
    /// <summary>What texts are cut by before substrings are taken, and what a sampled tokenizer splits by.</summary>
    public const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s";

    private static readonly PatternMatcher Matcher = PatternMatcher.Compile(Pattern);

    /// <summary>Scores of one batch. A text that occurs twice counts once; a space is put in front of each.</summary>
    /// <param name="texts">Well-formed texts.</param>
    /// <param name="maxBytes">Bytes of the longest substring.</param>
    /// <param name="stride">Substrings start at every n-th character of a piece, beginning with the first; this is n.</param>
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

    /// <summary>Adds the scores of a batch to others.</summary>
    public static void Add(IReadOnlyDictionary<string, long> more, Dictionary<string, long> to)
    {
        foreach ((string piece, long score) in more)
            CollectionsMarshal.GetValueRefOrAddDefault(to, piece, out _) += score;
    }

    /// <summary>A text cut by <see cref="Pattern"/>; what is between matches is a piece too.</summary>
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
