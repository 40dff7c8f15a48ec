using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>RMSNorm over the last dimension: x / sqrt(mean(x^2) + eps), times w, or times 1 + w in Gemma.</summary>
/// <param name="weight">[width].</param>
/// <param name="width">The size of the last dimension.</param>
/// <param name="config">The model's config, with eps.</param>
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

        // In a narrower type, 1 + w would lose most digits of w.
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = TorchScripts.RmsNorm(x.to(ScalarType.Float32), Weight.Tensor.to(ScalarType.Float32) + 1, width, _epsilon);
        return wide.to(x.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Like <see cref="Apply"/>, for float32 in memory, [rows, width]. <paramref name="into"/> may be <paramref name="x"/>.</summary>
    public void Step(float* x, float* into, int rows)
    {
        for (int row = 0; row < rows; row++)
            VectorMaths.RmsNorm(x + ((long)row * width), Weight.Values, config.Family.OnePlusNorm ? 1 : 0, into + ((long)row * width), width, config.NormEpsilon);
    }
}
