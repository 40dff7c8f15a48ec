using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>What the tables of a batch are made from.</summary>
/// <param name="Examples">[B] rows no longer than <paramref name="Length"/>.</param>
/// <param name="Length">T.</param>
/// <param name="Bias">Matrices of the 'unbiased' chunk kind, when it is used.</param>
/// <param name="BytesOf">Bytes that a student's token spells; only the objectives of next bytes ask.</param>
internal sealed record TableInputs(IReadOnlyList<Example> Examples, int Length, TokenPairBias? Bias, Func<int, int>? BytesOf = null);
