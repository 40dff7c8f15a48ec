namespace Pipeline.Stages.Objectives;

/// <summary>Which aligned chunks an objective compares, before any merging by boundary mass.</summary>
internal enum ChunkKind
{
    /// <summary>Every chunk of the alignment.</summary>
    Every,

    /// <summary>Chunks are joined until the next text starts with a space, or a unit or a gap follows.</summary>
    AtSpaces,

    /// <summary>Chunks are joined until the pair of last tokens has both tokenization biases at or below a threshold.</summary>
    Unbiased,
}
