using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Low-rank adaptation (Hu et al. 2021, equation 3): W + (alpha/r) B A.</summary>
internal sealed class LoraAdapter(Weight down, Weight up, double scale)
{
    /// <summary>A, [r, in].</summary>
    public Weight Down { get; } = down;

    /// <summary>B, [out, r].</summary>
    public Weight Up { get; } = up;

    public Tensor Apply(Tensor x) => nn.functional.linear(nn.functional.linear(x, Down.Tensor), Up.Tensor) * scale;

    /// <summary>(alpha/r) B A, [out, in].</summary>
    public Tensor Delta() => Up.Tensor.mm(Down.Tensor) * scale;
}
