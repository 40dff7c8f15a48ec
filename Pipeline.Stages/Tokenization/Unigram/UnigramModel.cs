using System.Text;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Unigram;

/// <summary>
/// A Unigram model (Kudo 2018, arXiv 1804.10959). It takes the segmentation with the largest sum of log-probabilities. As in Hugging Face's crate, scores
/// are summed in float64 from the left, and of equal sums the one whose last piece begins first stays.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    /// <summary>How much lower the score of a character without a token is than the lowest score of a token.</summary>
    private const double UnknownPenalty = 10;

    /// <param name="tokens">The vocabulary: from token to id. Of equal tokens it has the last one's id.</param>
    /// <param name="scores">[ids] the tokens' natural log-probabilities.</param>
    /// <param name="unknown">The id of the unknown token, or -1.</param>
    /// <param name="byteFallback">Whether a run of unknown characters is replaced by the tokens of its bytes, provided that all of them exist.</param>
    /// <param name="onBytes">Whether pieces are read as bytes; the tokens are then spelt in the byte alphabet.</param>
    public UnigramModel(Dictionary<string, int> tokens, double[] scores, int unknown, bool byteFallback, bool onBytes)
        : base(tokens, onBytes, byteFallback)
    {
        (Scores, Unknown) = (scores, unknown);
        UnknownScore = (scores.Length == 0 ? 0 : scores.Min()) - UnknownPenalty;
        var entries = new List<(byte[], int)>(tokens.Count);
        foreach ((string token, int id) in tokens)
        {
            // On bytes, a token with a character outside the byte alphabet can never match.
            byte[]? bytes = onBytes ? ByteAlphabet.Bytes(token) : Encoding.UTF8.GetBytes(token);
            if (bytes is { Length: > 0 })
                entries.Add((bytes, id));
        }
        Trie = new ByteTrie(entries);
    }

    public double[] Scores { get; }

    public override int Count => Scores.Length;

    public int Unknown { get; }

    public double UnknownScore { get; }

    public ByteTrie Trie { get; }

    public override PieceEncoder CreateEncoder() => new UnigramEncoder(this);

    public override ITokenCutter CreateCutter() => new UnigramCutter(this);
}
