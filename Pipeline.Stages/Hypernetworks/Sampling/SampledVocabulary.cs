using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>The pieces of a sampled Unigram tokenizer, with their log-probabilities (arXiv 2405.07883, section 3.2 and appendix A).</summary>
internal static class SampledVocabulary
{
    private const double Never = -100_000;
    private const string WhiteSpace = " \n\t";

    /// <summary>
    /// The pieces, in this order: the 256 bytes, with the log-probability of the rarest substring; runs of white space, with log-probability 0; then
    /// the substrings, most likely first (equal ones in ordinal order), without single bytes and without those that have two bytes of white space.
    /// </summary>
    /// <param name="scores">The scores of the substrings, which are spelt in the byte alphabet.</param>
    /// <param name="size">The number of pieces in all.</param>
    /// <param name="maxBytes">The length of the longest run of white space in bytes, without its first byte.</param>
    /// <param name="noise">What is added to the probability of a substring. It is called in ordinal order of the substrings.</param>
    public static List<(string Piece, float Score)> Of(IReadOnlyDictionary<string, long> scores, int size, int maxBytes, Func<string, double> noise)
    {
        double sum = scores.Values.Sum();
        float rarest = (float)Math.Log(scores.Values.Min() / sum);
        var pieces = new List<(string, float)>(size);
        for (int b = 0; b < 256; b++)
            pieces.Add((ByteAlphabet.Character((byte)b).ToString(), rarest));
        foreach (char first in WhiteSpace)
        {
            foreach (char then in WhiteSpace)
            {
                for (int count = 1; count <= maxBytes; count++)
                    pieces.Add((Spelt(first) + new string(Spelt(then)[0], count), 0f));
            }
        }
        foreach ((string piece, double score) in Candidates(scores, sum, noise).Take(Math.Max(0, size - pieces.Count)))
            pieces.Add((piece, (float)score));
        return pieces;
    }

    /// <summary>All substrings that may be pieces, most likely first.</summary>
    internal static IEnumerable<(string Piece, double LogProbability)> Candidates(IReadOnlyDictionary<string, long> scores, double sum, Func<string, double> noise)
    {
        string[] ordered = [.. scores.Keys.Order(StringComparer.Ordinal)];
        double[] logs = Array.ConvertAll(ordered, piece => scores[piece] / sum + noise(piece) is var p && p > 0 ? Math.Log(p) : Never);
        string spaces = string.Concat(WhiteSpace.Select(Spelt));
        return Enumerable.Range(0, ordered.Length)
            .Where(i => ordered[i].Length > 1 && ordered[i].Count(c => spaces.Contains(c, StringComparison.Ordinal)) < 2)
            .OrderByDescending(i => logs[i]).ThenBy(i => i)
            .Select(i => (ordered[i], logs[i]));
    }

    private static string Spelt(char c) => ByteAlphabet.Character((byte)c).ToString();
}
