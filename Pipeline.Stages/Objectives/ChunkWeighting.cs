namespace Pipeline.Stages.Objectives;

/// <summary>How much a chunk of n teacher tokens counts in the mean over chunks. The numerator and the denominator each have their own choice.</summary>
internal enum ChunkWeighting
{
    /// <summary>Every chunk counts 1.</summary>
    ChunkCount,

    /// <summary>A chunk counts n.</summary>
    TokenCount,

    /// <summary>A chunk counts log(1 + n).</summary>
    Log1pTokenCount,
}
