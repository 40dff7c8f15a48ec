namespace Pipeline.Stages.Models;

/// <summary>A tensor of a model's files, and what is computed with its rows.</summary>
internal sealed record StoredWeight(string Name, IReadOnlyList<long> Shape, IReadOnlyList<StoredPart> Parts);

/// <summary>Rows of a stored tensor, from <paramref name="FirstRow"/> on, that are a weight of their own.</summary>
internal sealed record StoredPart(string Name, long FirstRow, IReadOnlyList<long> Shape);
