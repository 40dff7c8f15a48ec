using System.ComponentModel;

namespace Pipeline.Stages.Ensembles;

/// <summary>How the distributions of several models become one.</summary>
public enum EnsembleAverage
{
    [Description("The mean of the probabilities.")]
    Probability,

    [Description("The mean of the log-probabilities, normalized.")]
    LogProbability,
}
