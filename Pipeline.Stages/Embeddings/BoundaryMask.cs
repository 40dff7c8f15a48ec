using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>Says which ids of a vocabulary are boundary tokens, over which the boundary mass is summed.</summary>
internal static class BoundaryMask
{
    /// <summary>The mask of a set of boundary tokens.</summary>
    /// <param name="vocabulary">The bytes of all ids.</param>
    /// <param name="specials">The ids of the special tokens.</param>
    /// <param name="set">Which tokens are in the set.</param>
    /// <param name="rows">The number of rows of the model's head, at least the size of the vocabulary. Ids without a token are no boundaries.</param>
    /// <returns>[rows] true for boundary tokens.</returns>
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
    /// [rows] the mask of the default set: tokens whose first byte is a space, a line feed or a tab, and all special tokens. An added token that is
    /// not special, such as Gemma's runs of white space, counts as text here. The tensor belongs to the caller, outside any dispose scope.
    /// </summary>
    public static Tensor Of(TextTokenizer tokenizer, int rows, Device device) => tensor(OfIds(tokenizer, rows), device: device).DetachFromDisposeScope();

    /// <summary>[rows] the same mask as an array, for all rows of a model's head.</summary>
    public static bool[] OfIds(TextTokenizer tokenizer, int rows)
    {
        bool[] mask = For(tokenizer);
        Array.Resize(ref mask, rows);
        return mask;
    }

    /// <summary>[vocabulary] the same mask for all ids of a tokenizer.</summary>
    public static bool[] For(TextTokenizer tokenizer)
    {
        VocabularyBytes vocabulary = VocabularyBytes.Create(
            tokenizer.VocabularySize, tokenizer.ByteView, id => tokenizer.IsSpecial(id) ? TokenClass.Mark : TokenClass.Text);
        return For(vocabulary, tokenizer.SpecialIds, BoundarySet.All, vocabulary.Count);
    }

    /// <summary>[rows] the mask of a single token, such as the end-of-text token in place of the default set.</summary>
    public static bool[] For(int tokenId, int rows)
    {
        var mask = new bool[rows];
        mask[tokenId] = true;
        return mask;
    }
}
