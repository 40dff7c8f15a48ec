namespace Pipeline.Benchmarks.Study;

/// <summary>Where a model stands on a picture's horizontal axis.</summary>
/// <param name="Model">As the reports name it.</param>
/// <param name="X">In the axis' own units.</param>
/// <param name="Label">Of its tick, or of the point where ticks are numbers.</param>
/// <param name="IsApart">Whether the axis jumps before it.</param>
internal sealed record PointOnAxis(string Model, double X, string Label, bool IsApart = false);
