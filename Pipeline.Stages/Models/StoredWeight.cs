namespace Pipeline.Stages.Models;

/// <summary>A tensor as it is stored in a model's files, and the weights that its rows hold.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Shape">The shape in the file.</param>
/// <param name="Parts">The weights, in the order of their rows. There is only one unless the tensor is fused (<see cref="FusedWeight"/>).</param>
internal sealed record StoredWeight(string Name, IReadOnlyList<long> Shape, IReadOnlyList<StoredPart> Parts);

/// <summary>The rows of a stored tensor that are one weight of the decoder.</summary>
/// <param name="Name">The weight's name; see <see cref="WeightNames"/>.</param>
/// <param name="FirstRow">Where its rows begin.</param>
/// <param name="Shape">The weight's shape.</param>
internal sealed record StoredPart(string Name, long FirstRow, IReadOnlyList<long> Shape);
