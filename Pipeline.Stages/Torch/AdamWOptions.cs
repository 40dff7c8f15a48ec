namespace Pipeline.Stages.Torch;

/// <summary>Constants of the AdamW rule that all groups share.</summary>
internal sealed record AdamWOptions(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8);
