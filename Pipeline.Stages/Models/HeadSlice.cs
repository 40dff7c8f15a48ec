using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Some positions of the vocabulary head. S positions, V valid rows.</summary>
/// <param name="Start">The first of the positions.</param>
/// <param name="Weights_SV">float32, each row proportional to its distribution. Used again for the next slice; may be changed.</param>
internal readonly record struct HeadSlice(long Start, Tensor Weights_SV);
