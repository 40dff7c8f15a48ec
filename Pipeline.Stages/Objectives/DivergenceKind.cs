namespace Pipeline.Stages.Objectives;

/// <summary>
/// The divergence f between the teacher's likelihood of a chunk and the student's (arXiv 2503.20083, section 3.2 and appendix). A binary divergence is
/// between two outcomes: the chunk, and anything else.
/// </summary>
internal enum DivergenceKind
{
    /// <summary>Binary cross-entropy. Its gradient is that of binary KL(teacher‖student). The default.</summary>
    BinaryCe,

    /// <summary>Binary KL(student‖teacher).</summary>
    ReverseBinaryKl,

    /// <summary>The limit of binary KL, times the temperature, as the temperature goes to infinity. Does not use the temperature.</summary>
    BinaryKlTempLimit,

    /// <summary>The absolute difference of the log-likelihoods. Does not use the temperature.</summary>
    Abs,

    /// <summary>Total variation: the absolute difference of the likelihoods at the temperature.</summary>
    AbsExp,

    /// <summary>Binary Rényi divergence of order α. Does not use the temperature.</summary>
    Renyi,

    /// <summary>The k2 estimator of KL: r² / 2, where r is the log-ratio of the likelihoods at the temperature.</summary>
    JoschuK2,

    /// <summary>The k3 estimator of KL: exp(r) - 1 - r, with the same r.</summary>
    JoschuK3,
}
