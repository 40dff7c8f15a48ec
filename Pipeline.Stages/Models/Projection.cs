using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A linear map of a layer, with its bias and its low-rank adapter if it has them.</summary>
/// <param name="weight">[out, in].</param>
/// <param name="bias">[out], or null.</param>
internal sealed unsafe class Projection(Weight weight, Weight? bias)
{
    public Weight Weight { get; } = weight;

    public Weight? Bias { get; } = bias;

    /// <summary>The adapter, whose output is added. Null if there is none.</summary>
    public LoraAdapter? Adapter { get; set; }

    /// <summary>[.., out] of [.., in].</summary>
    public Tensor Apply(Tensor x)
    {
        Tensor y = Linear.Apply(x, Weight.Tensor, Bias?.Tensor);
        return Adapter is null ? y : y + Adapter.Apply(x);
    }

    /// <summary>Like <see cref="Apply"/>, for float32 in memory: [B, out] of [B, in]. An adapter is left out.</summary>
    public void Step(float* x, float* into, StepPass pass) => pass.Product(x, Weight.Values, Bias is null ? null : Bias.Values, into, Weight.Width, Weight.Rows);
}
