using Pipeline.Stages.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>The properties of a <see cref="ResidualNetwork"/> that do not follow from the shapes of its weights.</summary>
/// <param name="Heads">The number of attention heads.</param>
/// <param name="Layers">The number of transformer layers.</param>
/// <param name="Epsilon">ε of the layer norms.</param>
/// <param name="Residual">How the pieces' embeddings are pooled into the vector that the correction is added to. None: there is no such vector.</param>
/// <param name="Alpha">α of the correction's scale, α/√D.</param>
/// <param name="Pooling">How the last states are pooled.</param>
/// <param name="Attention">Whether pieces attend to each other. If not, each piece is read by itself.</param>
/// <param name="Mask">Whether padding is masked. If not, it takes part like a piece, in attention and in means.</param>
/// <param name="Pad">The padding id.</param>
internal sealed record ResidualNetworkShape(
    int Heads, int Layers, double Epsilon, FormPooling Residual, double Alpha, FormPooling Pooling, bool Attention, bool Mask = true, int Pad = SurfaceFormBuilder.NoPad);

/// <summary>
/// The hypernetwork of tokenkit (arXiv 2503.20083, section 5.3). It rescales the source embeddings of the pieces, adds learned positions, and applies
/// post-norm layers, whose attention has no output projection. The output is added to the pooled embeddings as a correction. It begins at 0, so that
/// training begins at the pooled embeddings. Without a residual, the output is the prediction itself. Weights have the names they have in tokenkit,
/// with kernels [in, out].
/// </summary>
internal sealed class ResidualNetwork(ResidualNetworkShape shape, NetworkWeights weights) : IHypernetwork
{
    public const string Extra = "extra_embeddings", InRescaler = "in_rescaler", OutRescaler = "out_rescaler", Positions = "transformer.position_embeddings.embedding";

    public int Pad => shape.Pad;

    public int Length => (int)weights[Positions].size(0);

    public ResidualNetworkShape Shape => shape;

    public IReadOnlyList<(string Name, Parameter Tensor)> Parameters => weights.All;

    // The rescalers hold statistics of the source embeddings, which training must not change.
    public bool IsTrained(string name) => !name.StartsWith(InRescaler, StringComparison.Ordinal) && !name.StartsWith(OutRescaler, StringComparison.Ordinal);

    public Tensor Predict(Tensor source_VMD, Tensor forms_RS)
    {
        using var scope = NewDisposeScope();
        long rows = forms_RS.size(0), pieces = forms_RS.size(1), matrices = source_VMD.size(1), width = source_VMD.size(2);
        Tensor? mask_RS = shape.Mask ? FormAttention.Mask(forms_RS, shape.Pad, weights[Positions].dtype) : null;
        Tensor embedded_RSMD = weights.Rescale(InRescaler, Embed(source_VMD, forms_RS).view(rows, pieces, matrices, width));
        Tensor x_RSH = embedded_RSMD.reshape(rows, pieces, matrices * width);
        if (weights.Has("input_linear.kernel"))
            x_RSH = weights.Kernel("input_linear", x_RSH);
        x_RSH += weights[Positions].narrow(0, 0, pieces);
        for (int i = 0; i < shape.Layers; i++)
            x_RSH = Layer($"transformer.layers_{i}", x_RSH, mask_RS);
        Tensor correction_RMD = weights.Kernel("output_linear", Pool(x_RSH, mask_RS, shape.Pooling)).view(rows, matrices, width);
        Tensor predicted_RMD = shape.Residual == FormPooling.None
            ? correction_RMD
            : Pool(embedded_RSMD, mask_RS, shape.Residual) + correction_RMD * (shape.Alpha / Math.Sqrt(width));
        return weights.Rescale(OutRescaler, predicted_RMD).MoveToOuterDisposeScope();
    }

    public void Dispose() => weights.Dispose();

    private Tensor Embed(Tensor source_VMD, Tensor forms_RS)
    {
        (Tensor rows, Tensor? at, Tensor? ids) = FormAttention.Gather(source_VMD, forms_RS);
        return at is null ? rows : rows.index_copy(0, at, weights[Extra].index_select(0, ids!));
    }

    private Tensor Layer(string name, Tensor x_RSH, Tensor? mask_RS)
    {
        if (shape.Attention)
        {
            Tensor Project(string which) => weights.Kernel($"{name}.self_attention.{which}", x_RSH);
            Tensor attended = FormAttention.Attend(Project("query"), Project("key"), Project("value"), mask_RS, shape.Heads);
            x_RSH = weights.LayerNorm($"{name}.post_attention_layernorm", "scale", x_RSH + attended, shape.Epsilon);
        }
        Tensor inner = Activations.Apply(Activation.GeluTanh, weights.Kernel($"{name}.mlp.intermediate", x_RSH));
        return weights.LayerNorm($"{name}.post_mlp_layernorm", "scale", x_RSH + weights.Kernel($"{name}.mlp.output", inner), shape.Epsilon);
    }

    /// <summary>[R, S, ..] to [R, ..]. The mean is 0 where no piece counts.</summary>
    private static Tensor Pool(Tensor x_RS, Tensor? mask_RS, FormPooling pooling)
    {
        if (pooling == FormPooling.First)
            return x_RS.select(1, 0);
        if (mask_RS is null)
            return x_RS.mean([1]);
        long[] broadcast = [.. mask_RS.shape, .. Enumerable.Repeat(1L, (int)x_RS.dim() - 2)];
        return (x_RS * mask_RS.view(broadcast)).sum(1) / mask_RS.sum(1).clamp_min(1).view([broadcast[0], .. broadcast[2..]]);
    }
}
