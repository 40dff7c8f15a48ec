namespace Pipeline.Host.Comparison;

/// <summary>A part that is the mean of others, taken within each run.</summary>
internal sealed record PartMean(string Name, IReadOnlyList<string> Of);
