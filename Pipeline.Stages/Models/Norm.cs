using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>x / sqrt(mean(x^2) + eps) over the last dimension, times w, or 1 + w for Gemma.</summary>
internal sealed unsafe class Norm(Weight weight, int width, ModelConfig config)
{
    public Weight Weight { get; } = weight;

    private readonly Scalar _epsilon = config.NormEpsilon;

    public Tensor Apply(Tensor x)
    {
        if (!config.Family.OnePlusNorm)
            return TorchScripts.RmsNorm(x, Weight.Tensor, width, _epsilon);
        if (x.dtype == ScalarType.Float32)
        {
            using Tensor factor = Weight.Tensor + 1;
            return TorchScripts.RmsNorm(x, factor, width, _epsilon);
        }

        // 1 + w in bfloat16 would lose most of w.
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = TorchScripts.RmsNorm(x.to(ScalarType.Float32), Weight.Tensor.to(ScalarType.Float32) + 1, width, _epsilon);
        return wide.to(x.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Apply"/>, of [rows, width] in memory, in place too.</summary>
    public void Step(float* x, float* into, int rows)
    {
        for (int row = 0; row < rows; row++)
            VectorMaths.RmsNorm(x + ((long)row * width), Weight.Values, config.Family.OnePlusNorm ? 1 : 0, into + ((long)row * width), width, config.NormEpsilon);
    }
}
