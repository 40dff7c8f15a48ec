using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>What the tables of a batch are made from.</summary>
/// <param name="Examples">[B] rows of at most <paramref name="Length"/> student tokens.</param>
/// <param name="Length">T, the number of student positions in a row with its padding.</param>
/// <param name="Bias">The biases that chunks of kind <see cref="ChunkKind.Unbiased"/> need.</param>
/// <param name="BytesOf">How many bytes a token of the student spells. Only objectives on next bytes need it.</param>
internal sealed record TableInputs(IReadOnlyList<Example> Examples, int Length, TokenPairBias? Bias, Func<int, int>? BytesOf = null);
