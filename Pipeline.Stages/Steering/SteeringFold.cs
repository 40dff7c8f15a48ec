using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// Folds an edit into a model's weights, where weights can express it. P = I + U⁺U⁺ᵀ − U⁻U⁻ᵀ is symmetric, so multiplying a row h = x Wᵀ by P is the
/// same as replacing the weight W that made it by P W. All products are computed in float64 and rounded once. To be used on the device's thread.
/// </summary>
internal static class SteeringFold
{
    private const string AfterMlp = "the norm after the MLP removes the length";

    /// <summary>How much of an edit a plain model with this configuration can hold.</summary>
    public static Foldability Of(SteeringEdit edit, ModelConfig config)
    {
        if (edit.Layers.Values.Any(p => p.Map != FeatureMap.Identity))
            return new(FoldKind.None, $"the feature map {edit.Layers.First().Value.Map} is not linear");
        if (edit.Place == ActivationPlace.Mlp)
        {
            if (!edit.Renormalise)
                return new(FoldKind.Exact, "the MLP's output is multiplied by the same matrix at every token, so the matrix can be multiplied into its weights");
            return config.Family.Norms == NormPlace.Before
                ? new(FoldKind.None, "the length of every token's MLP output is restored, which weights cannot do")
                : new(FoldKind.Exact, $"{AfterMlp}, up to its epsilon");
        }
        if (edit.Layers.Keys.IsOnly(config.Layers - 1))
            return new(FoldKind.MostLikely, "the final norm sees the length of the unedited stream, so the logits of each token have another temperature");
        return new(FoldKind.None, "the stream before the layer would have to be multiplied too, which changes what the layers read");
    }

    /// <summary>Folds the edit into the model's weights. The model must not apply the edit as well.</summary>
    /// <exception cref="InputException">The edit is for another model, or weights cannot hold it: see <see cref="Of"/>.</exception>
    public static void Apply(SteeringEdit edit, CausalLm model)
    {
        edit.Check(model.Config);
        Foldability fold = Of(edit, model.Config);
        if (fold.Kind == FoldKind.None)
            throw new InputException($"the edit cannot be folded into the weights: {fold.Why}; keep it in a file next to them");
        using IDisposable quiet = no_grad();
        foreach ((int layer, SpectralProjection projection) in edit.Layers)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor p = Matrix(projection, model.Device);
            if (edit.Place == ActivationPlace.Residual)
            {
                FoldHead(p, model);
                continue;
            }
            string down = $"{WeightNames.Layer(layer)}mlp.down_proj";
            model.ChangeWeight($"{down}.weight", w => p.mm(w));
            if (model.Config.MlpBias)
                model.ChangeWeight($"{down}.bias", b => p.mv(b));
        }
    }

    // logits = (h P · γ / rms) Wᵀ = (h · γ / rms)(γ⁻¹ P γ Wᵀ), except that rms stays that of the unedited h.
    private static void FoldHead(Tensor p, CausalLm model)
    {
        Tensor gamma = model.Parameters.First(w => w.Name == WeightNames.FinalNorm).Tensor.detach().to(ScalarType.Float64);
        if (model.Config.Family.OnePlusNorm)
            gamma = gamma + 1;
        if (gamma.eq(0).any().item<bool>())
            throw new InputException("the edit cannot be folded into the head: the final norm has a weight of zero; keep the edit in a file next to the weights");
        Tensor head = (model.HeadWeight.detach().to(ScalarType.Float64) * gamma).mm(p) / gamma;
        model.ReplaceEmbeddings(model.EmbeddingWeight, head);
    }

    private static Tensor Matrix(SpectralProjection projection, Device device)
    {
        Tensor keep = projection.Positive.to(ScalarType.Float64, device), drop = projection.Negative.to(ScalarType.Float64, device);
        return eye(projection.Width, dtype: ScalarType.Float64, device: device) + keep.mm(keep.transpose(0, 1)) - drop.mm(drop.transpose(0, 1));
    }

    private static bool IsOnly(this IEnumerable<int> layers, int layer) => layers.ToArray() is [int only] && only == layer;
}
