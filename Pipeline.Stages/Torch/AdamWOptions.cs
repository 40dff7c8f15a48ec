namespace Pipeline.Stages.Torch;

/// <summary>The constants of AdamW that all parameter groups share.</summary>
internal sealed record AdamWOptions(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8);
