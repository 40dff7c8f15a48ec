namespace Pipeline.Stages.Embeddings;

/// <summary>How the embeddings of a new vocabulary begin.</summary>
internal enum EmbeddingStart
{
    /// <summary>Copies where the bytes are the same, else means of the old tokenizer's pieces.</summary>
    Fvt,

    /// <summary>Every row is the mean of the old rows; special tokens with a role are copied. For comparison.</summary>
    Mean,

    /// <summary>Every row is drawn from the normal distribution of the old rows; special tokens with a role are copied. For comparison.</summary>
    Random,
}
