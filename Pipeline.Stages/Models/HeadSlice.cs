using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A slice of the positions that go through the vocabulary head. S positions, V valid rows.</summary>
/// <param name="Start">The first of the positions.</param>
/// <param name="Weights_SV">
/// float32, each row proportional to a position's distribution. The receiver may change the weights, but must not keep them: the next slice may use their
/// memory.
/// </param>
internal readonly record struct HeadSlice(long Start, Tensor Weights_SV);
