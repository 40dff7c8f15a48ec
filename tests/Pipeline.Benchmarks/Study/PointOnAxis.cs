namespace Pipeline.Benchmarks.Study;

/// <summary>The place of a model on the horizontal axis of a picture.</summary>
/// <param name="Model">The model's name in the reports.</param>
/// <param name="X">Its place in the units of the axis.</param>
/// <param name="Label">The label of its tick or, where ticks are numbers, of the point.</param>
/// <param name="IsApart">Whether it is not to scale with the points before it, as ∞ on a log scale.</param>
internal sealed record PointOnAxis(string Model, double X, string Label, bool IsApart = false);
