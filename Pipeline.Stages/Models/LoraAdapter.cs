using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A low-rank adapter of a projection: W becomes W + (alpha/r) B A (Hu et al. 2021, equation 3).</summary>
/// <param name="down">A, [r, in].</param>
/// <param name="up">B, [out, r].</param>
/// <param name="scale">alpha/r.</param>
internal sealed class LoraAdapter(Weight down, Weight up, double scale)
{
    /// <summary>A, [r, in].</summary>
    public Weight Down { get; } = down;

    /// <summary>B, [out, r].</summary>
    public Weight Up { get; } = up;

    /// <summary>(alpha/r) B A x for x [.., in]: what is added to the projection's output [.., out].</summary>
    public Tensor Apply(Tensor x) => nn.functional.linear(nn.functional.linear(x, Down.Tensor), Up.Tensor) * scale;

    /// <summary>[out, in] (alpha/r) B A: what is added to the projection's weight.</summary>
    public Tensor Delta() => Up.Tensor.mm(Down.Tensor) * scale;
}
