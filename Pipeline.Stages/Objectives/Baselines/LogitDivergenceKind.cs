namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>Divergences between two distributions over one vocabulary.</summary>
public enum LogitDivergenceKind
{
    ForwardKl,
    ReverseKl,
    AdaptiveKl,
    SkewedForwardKl,
    SkewedReverseKl,
}
