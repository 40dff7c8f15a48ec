namespace Pipeline.Stages.Objectives;

/// <summary>Which f compares the teacher's likelihood of a chunk with the student's (arXiv 2503.20083, section 3.2 and appendix).</summary>
internal enum DivergenceKind
{
    /// <summary>Binary cross-entropy: the gradient of binary KL(teacher‖student). The default.</summary>
    BinaryCe,

    /// <summary>Binary KL(student‖teacher).</summary>
    ReverseBinaryKl,

    /// <summary>The limit of binary KL for a temperature that goes to infinity; the temperature is not used.</summary>
    BinaryKlTempLimit,

    /// <summary>Absolute difference of the log-likelihoods; the temperature is not used.</summary>
    Abs,

    /// <summary>Total variation: absolute difference of the tempered likelihoods.</summary>
    AbsExp,

    /// <summary>Binary Rényi divergence of order alpha; the temperature is not used.</summary>
    Renyi,

    /// <summary>The k2 estimator of KL: half the squared log-ratio.</summary>
    JoschuK2,

    /// <summary>The k3 estimator of KL: exp(r) - 1 - r of the log-ratio r.</summary>
    JoschuK3,
}
