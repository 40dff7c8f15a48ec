namespace Pipeline.Stages.Objectives;

/// <summary>What a chunk's likelihood says about the token after it.</summary>
internal enum BoundaryMode
{
    /// <summary>Nothing: the likelihood keeps the tokenization bias of its outcome.</summary>
    None,

    /// <summary>
    /// The log mass of boundary tokens after the chunk is added on both sides (outcome debiasing, arXiv 2503.20083, section 3.3). Which
    /// tokens are boundary tokens was decided when the teacher was scored; the student's head uses the same set.
    /// </summary>
    AppendBoundary,

    /// <summary>As <see cref="AppendBoundary"/>, where the teacher's mass is known by bounds alone: the lower one is taken.</summary>
    AppendLower,

    /// <summary>As <see cref="AppendLower"/>, with the mean of the two bounds on the mass.</summary>
    AppendMidpoint,
}
