using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Finds w and b of x ∘ w + b for each channel. Standard deviations are population ones, over the first axis.</summary>
internal static class ChannelScale
{
    private const double Tiny = 1e-8;

    /// <summary>
    /// The scale that brings x to a given standard deviation and mean: w = std/(std(x) + 1e-8), b = mean − mean(x ∘ w). Both are [1, ..].
    /// </summary>
    public static (Tensor W, Tensor B) To(Tensor x, Tensor deviation, Tensor mean)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        Tensor w = deviation / (x.std([0], unbiased: false, keepdim: true) + Tiny);
        Tensor b = mean - (x * w).mean([0], keepdim: true);
        return (w.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
    }

    /// <summary>The scale that brings x to the standard deviation and the mean of other rows.</summary>
    public static (Tensor W, Tensor B) ToRows(Tensor x, Tensor rows) => To(x, rows.std([0], unbiased: false, keepdim: true), rows.mean([0], keepdim: true));

    /// <summary>The scale that undoes another one: (y − b)/w.</summary>
    public static (Tensor W, Tensor B) Inverse((Tensor W, Tensor B) scale) => (1 / scale.W, -scale.B / scale.W);
}
