using Pipeline.Stages.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>The properties of a <see cref="ZettNetwork"/> that do not follow from the shapes of its weights.</summary>
/// <param name="Heads">The number of attention heads.</param>
/// <param name="Layers">The number of encoder layers.</param>
/// <param name="Width">D, the width of the model.</param>
/// <param name="Matrices">1 where embeddings are tied, 2 for input and output.</param>
/// <param name="Length">S, the number of pieces of the longest form.</param>
/// <param name="Pad">The padding id.</param>
/// <param name="SingleHead">Whether one output head predicts both matrices.</param>
/// <param name="ConcatenateStates">Whether the heads see the states of all pieces, and not only that of the first.</param>
/// <param name="Language">The row of the language embeddings that follows the pieces; null where there are none.</param>
internal sealed record ZettNetworkShape(
    int Heads, int Layers, int Width, int Matrices, int Length, int Pad = SurfaceFormBuilder.NoPad, bool SingleHead = false, bool ConcatenateStates = false, int? Language = null);

/// <summary>
/// ZeTT's own hypernetwork (arXiv 2405.07883, section 3). It projects the pieces' embeddings into an encoder like RoBERTa's, and has heads for the
/// input embedding, the output embedding and a bias. It has no residual. Weights have the names they have in ZeTT's code, with matrices [out, in].
/// </summary>
internal sealed class ZettNetwork(ZettNetworkShape shape, NetworkWeights weights) : IHypernetwork
{
    private const double EncoderEpsilon = 1e-5, ProjectorEpsilon = 1e-6;
    private const string Fallback = "fallback_embeddings.weight", Types = "model.embeddings.token_type_embeddings.weight",
        Positions = "model.embeddings.position_embeddings.weight", Languages = "lang_embeddings.weight", Bias = "bias_projection";

    public int Pad => shape.Pad;

    public int Length => shape.Length;

    public ZettNetworkShape Shape => shape;

    public bool PredictsBias => weights.Has($"{Bias}.weight");

    public IReadOnlyList<(string Name, Parameter Tensor)> Parameters => weights.All;

    // As in the reference, the output embeddings' scaler is trained, and the other two are not.
    public bool IsTrained(string name) => !name.StartsWith("in_scaler.", StringComparison.Ordinal) && !name.StartsWith("scaler.", StringComparison.Ordinal);

    public Tensor Predict(Tensor source_VMD, Tensor forms_RS)
    {
        using var scope = NewDisposeScope();
        return Embeddings(States(source_VMD, forms_RS)).MoveToOuterDisposeScope();
    }

    /// <summary>Predicts embeddings [R, M, D] and the bias [R] of each token in the output; null where the network has no head for it.</summary>
    public (Tensor Embeddings_RMD, Tensor? Bias_R) PredictWithBias(Tensor source_VMD, Tensor forms_RS)
    {
        using var scope = NewDisposeScope();
        Tensor states = States(source_VMD, forms_RS);
        Tensor? bias = PredictsBias ? weights.Linear(Bias, states).squeeze(-1).MoveToOuterDisposeScope() : null;
        return (Embeddings(states).MoveToOuterDisposeScope(), bias);
    }

    public void Dispose() => weights.Dispose();

    /// <summary>[R, H] the states that the heads see.</summary>
    private Tensor States(Tensor source_VMD, Tensor forms_RS)
    {
        long rows = forms_RS.size(0), pieces = forms_RS.size(1);
        (Tensor gathered, Tensor? at, Tensor? ids) = FormAttention.Gather(source_VMD.reshape(source_VMD.size(0), -1), forms_RS);
        Tensor embedded = weights.Has("in_scaler.w") ? weights.Rescale("in_scaler", gathered) : gathered;
        if (at is not null)
            embedded = embedded.index_copy(0, at, weights[Fallback].index_select(0, ids!));
        Tensor x_RSH = Project("input_projection.1", weights.Linear("input_projection.0", embedded)).view(rows, pieces, -1);
        x_RSH = x_RSH + weights[Positions].narrow(0, 0, pieces) + weights[Types].select(0, 0);
        Tensor mask_RS = FormAttention.Mask(forms_RS, shape.Pad, x_RSH.dtype);
        if (shape.Language is { } language)
        {
            x_RSH = cat([x_RSH, weights[Languages].select(0, language).expand(rows, 1, -1)], 1);
            mask_RS = cat([mask_RS, ones(rows, 1, dtype: mask_RS.dtype, device: mask_RS.device)], 1);
        }
        x_RSH = weights.LayerNorm("model.embeddings.LayerNorm", "weight", x_RSH, EncoderEpsilon);
        for (int i = 0; i < shape.Layers; i++)
            x_RSH = Layer($"model.layer.{i}", x_RSH, mask_RS);
        return shape.ConcatenateStates ? x_RSH.reshape(rows, -1) : x_RSH.select(1, 0);
    }

    private Tensor Embeddings(Tensor states_RH)
    {
        Tensor Head(string name) => weights.Linear($"{name}.1", Project($"{name}.0", states_RH));
        Tensor Scale(string name, Tensor x) => weights.Has($"{name}.w") ? weights.Rescale(name, x) : x;
        Tensor first = Head("output_projection");
        if (shape.Matrices == 1)
            return Scale("scaler", first).unsqueeze(1);
        (Tensor input, Tensor output) = shape.SingleHead
            ? (first.narrow(-1, 0, shape.Width), first.narrow(-1, shape.Width, shape.Width))
            : (first, Head("output_projection_out"));
        return stack([Scale("scaler", input), Scale("out_scaler", output)], 1);
    }

    private Tensor Layer(string name, Tensor x_RSH, Tensor mask_RS)
    {
        Tensor Linear(string which, Tensor x) => weights.Linear($"{name}.{which}", x);
        Tensor attended = FormAttention.Attend(Linear("query", x_RSH), Linear("key", x_RSH), Linear("value", x_RSH), mask_RS, shape.Heads);
        x_RSH = weights.LayerNorm($"{name}.ln1", "weight", x_RSH + Linear("attn_dense", attended), EncoderEpsilon);
        Tensor inner = Activations.Apply(Activation.Gelu, Linear("intermediate", x_RSH));
        return weights.LayerNorm($"{name}.ln2", "weight", x_RSH + Linear("output", inner), EncoderEpsilon);
    }

    /// <summary>LayerNorm(gelu(W₂ gelu(W₁ x)) + x).</summary>
    private Tensor Project(string name, Tensor x)
    {
        Tensor inner = Activations.Apply(Activation.GeluTanh, weights.Linear($"{name}.dense1", x));
        Tensor outer = Activations.Apply(Activation.GeluTanh, weights.Linear($"{name}.dense2", inner));
        return weights.LayerNorm($"{name}.ln", "weight", outer + x, ProjectorEpsilon);
    }
}
