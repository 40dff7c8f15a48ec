namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>Divergences between two distributions over one vocabulary.</summary>
internal enum LogitDivergenceKind
{
    ForwardKl,
    ReverseKl,
    AdaptiveKl,
    SkewedForwardKl,
    SkewedReverseKl,
}
