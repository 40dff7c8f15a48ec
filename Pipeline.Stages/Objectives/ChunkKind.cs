namespace Pipeline.Stages.Objectives;

/// <summary>How the chunks of the alignment are joined before an objective compares them, and before any merging by boundary mass.</summary>
internal enum ChunkKind
{
    /// <summary>They are not: every chunk stands alone.</summary>
    Every,

    /// <summary>Chunks are joined until the text after them begins with a space. Units and gaps are not joined with anything.</summary>
    AtSpaces,

    /// <summary>
    /// Chunks are joined until they end with a pair of tokens whose tokenization biases are both at most a threshold. Units and gaps are not joined with
    /// anything.
    /// </summary>
    Unbiased,
}
