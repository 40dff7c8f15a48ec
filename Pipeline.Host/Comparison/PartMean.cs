namespace Pipeline.Host.Comparison;

/// <summary>A part that is the mean of others. The mean is taken within each run.</summary>
/// <param name="Name">The name of the new part.</param>
/// <param name="Of">The names of the parts that it is the mean of.</param>
internal sealed record PartMean(string Name, IReadOnlyList<string> Of);
