using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Tokens that begin a new pretoken: those whose first byte is a space, a line feed or a tab, and every special token
/// (arXiv 2503.20083, outcome debiasing). Their probability after a chunk is its boundary mass.
/// </summary>
public static class BoundaryTokens
{
    /// <summary>[rows] true at boundary tokens; rows above the tokenizer's vocabulary are padding and false.</summary>
    public static Tensor MaskOf(TextTokenizer tokenizer, int rows, Device device)
    {
        var mask = new bool[rows];
        for (int id = 0; id < Math.Min(rows, tokenizer.VocabularySize); id++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.ByteView(id);
            mask[id] = tokenizer.IsSpecial(id) || (bytes.Length > 0 && bytes[0] is (byte)' ' or (byte)'\n' or (byte)'\t');
        }
        return tensor(mask, device: device).DetachFromDisposeScope();
    }
}
