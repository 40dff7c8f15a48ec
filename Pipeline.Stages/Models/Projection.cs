using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>One linear map of a layer, with its bias and its low-rank addition where they are.</summary>
internal sealed unsafe class Projection(Weight weight, Weight? bias)
{
    public Weight Weight { get; } = weight;

    public Weight? Bias { get; } = bias;

    /// <summary>Null: no adapter.</summary>
    public LoraAdapter? Adapter { get; set; }

    public Tensor Apply(Tensor x)
    {
        Tensor y = Linear.Apply(x, Weight.Tensor, Bias?.Tensor);
        return Adapter is null ? y : y + Adapter.Apply(x);
    }

    /// <summary>As <see cref="Apply"/> without an adapter, of [B, in] in memory.</summary>
    public void Step(float* x, float* into, StepPass pass) => pass.Product(x, Weight.Values, Bias is null ? null : Bias.Values, into, Weight.Width, Weight.Rows);
}
