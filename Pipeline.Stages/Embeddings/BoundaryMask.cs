using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>Which ids of a vocabulary are boundary tokens.</summary>
internal static class BoundaryMask
{
    /// <param name="vocabulary">The byte views.</param>
    /// <param name="specials">Ids of the special tokens.</param>
    /// <param name="set">Which tokens are in B.</param>
    /// <param name="rows">Rows of the model's head, at least the vocabulary; ids that no token has are no boundaries.</param>
    /// <returns>[rows]</returns>
    public static bool[] For(VocabularyBytes vocabulary, IEnumerable<int> specials, BoundarySet set, int rows)
    {
        if (rows < vocabulary.Count)
            throw new InvalidOperationException($"a head of {rows} rows for a vocabulary of {vocabulary.Count}");
        var mask = new bool[rows];
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (!vocabulary.IsText(id))
                continue;
            mask[id] = vocabulary[id][0] switch
            {
                0x20 => set.HasFlag(BoundarySet.Space),
                0x0A => set.HasFlag(BoundarySet.Newline),
                0x09 => set.HasFlag(BoundarySet.Tab),
                _ => false,
            };
        }
        if (set.HasFlag(BoundarySet.Special))
        {
            foreach (int id in specials)
                mask[id] = true;
        }
        return mask;
    }

    /// <summary>
    /// [rows] the default set for a model: tokens whose first byte is a space, a line feed or a tab, and every special token. An added
    /// token that is not special (runs of white space in Gemma) is text here. Belongs to the caller, outside dispose scopes.
    /// </summary>
    public static Tensor Of(TextTokenizer tokenizer, int rows, Device device) => tensor(OfIds(tokenizer, rows), device: device).DetachFromDisposeScope();

    /// <summary>[rows] the same set, for every row of a model.</summary>
    public static bool[] OfIds(TextTokenizer tokenizer, int rows)
    {
        bool[] mask = For(tokenizer);
        Array.Resize(ref mask, rows);
        return mask;
    }

    /// <summary>[vocabulary] the same set, for every id of a tokenizer.</summary>
    public static bool[] For(TextTokenizer tokenizer)
    {
        VocabularyBytes vocabulary = VocabularyBytes.Create(
            tokenizer.VocabularySize, tokenizer.ByteView, id => tokenizer.IsSpecial(id) ? TokenClass.Mark : TokenClass.Text);
        return For(vocabulary, tokenizer.SpecialIds, BoundarySet.All, vocabulary.Count);
    }

    /// <summary>B = { one token }: the end-of-sequence token in place of the boundary bytes.</summary>
    public static bool[] For(int tokenId, int rows)
    {
        var mask = new bool[rows];
        mask[tokenId] = true;
        return mask;
    }
}
