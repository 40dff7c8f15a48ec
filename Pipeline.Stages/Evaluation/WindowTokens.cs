using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>A window under one tokenizer: what the model reads, and what of it has no score.</summary>
/// <param name="Ids">With bos, else eos, in front where the tokenizer has one. Entry 0 has no score.</param>
/// <param name="HasPrefix">Whether entry 0 is such a mark and not text.</param>
/// <param name="UnscoredBytes">Bytes of text under entry 0 where it is text.</param>
public sealed record WindowTokens(int[] Ids, bool HasPrefix, int UnscoredBytes)
{
    /// <summary>Tokens of text.</summary>
    public int TextTokens => HasPrefix ? Ids.Length - 1 : Ids.Length;

    /// <param name="encoder">Of <paramref name="tokenizer"/>.</param>
    /// <param name="tokenizer">Says what goes in front.</param>
    /// <param name="text">Well-formed and NFC.</param>
    /// <exception cref="ByteViewException">The tokens do not stand for the text's bytes.</exception>
    public static WindowTokens Encode(TextEncoder encoder, TextTokenizer tokenizer, string text)
    {
        TokenSequence tokens = encoder.EncodeDocument(text, addBos: false, addEos: false);
        return (tokenizer.BosId ?? tokenizer.EosId) is { } prefix
            ? new WindowTokens([prefix, .. tokens.Ids], true, 0)
            : new WindowTokens(tokens.Ids, false, tokens.Count > 0 ? tokens.ByteEnds[0] : 0);
    }
}
