namespace Pipeline.Stages.Objectives;

/// <summary>Whether a chunk's likelihood includes that a boundary follows it.</summary>
internal enum BoundaryMode
{
    /// <summary>It does not. The likelihood keeps the tokenization bias of its outcome.</summary>
    None,

    /// <summary>
    /// The log boundary mass after the chunk is added on both sides (outcome debiasing, arXiv 2503.20083, section 3.3). Which tokens are boundary tokens
    /// was decided when the teacher was scored, and the student's head uses the same rule.
    /// </summary>
    AppendBoundary,

    /// <summary>Like <see cref="AppendBoundary"/>, for a teacher that only gives bounds on the mass: the lower bound is used.</summary>
    AppendLower,

    /// <summary>Like <see cref="AppendLower"/>, but with the mean of the two bounds on the mass.</summary>
    AppendMidpoint,
}
