namespace Pipeline.Stages.Objectives;

/// <summary>How much a chunk of n teacher tokens counts, in the numerator or in the denominator of the mean.</summary>
internal enum ChunkWeighting
{
    /// <summary>1.</summary>
    ChunkCount,

    /// <summary>n.</summary>
    TokenCount,

    /// <summary>log(1 + n).</summary>
    Log1pTokenCount,
}
