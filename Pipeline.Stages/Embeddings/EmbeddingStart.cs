namespace Pipeline.Stages.Embeddings;

/// <summary>How the embeddings of a new vocabulary begin.</summary>
internal enum EmbeddingStart
{
    /// <summary>
    /// A token with the same bytes as an old one is a copy. Any other token is the mean of the pieces that the old tokenizer cuts it into.
    /// </summary>
    Fvt,

    /// <summary>Every row is the mean of the old rows, except that special tokens with a role are copied. For comparison.</summary>
    Mean,

    /// <summary>
    /// Every row is drawn from the normal distribution of the old rows, except that special tokens with a role are copied. For comparison.
    /// </summary>
    Random,
}
