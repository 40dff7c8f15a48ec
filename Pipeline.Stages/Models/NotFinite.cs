using System.Globalization;
using Pipeline.Contracts.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Finds weights that are NaN, infinite or too large. They are looked for before a model is trained, and when an answer turns out not to be finite: then
/// either a weight is the cause, or an intermediate value that is too large for its type. To be used on the device's thread.
/// </summary>
internal static class NotFinite
{
    // How many values are looked at together. The device's memory may be nearly full, and the search needs some of it.
    private const long SliceElements = 1 << 24;

    /// <summary>The index of the first value that is NaN or infinite. -1 if all are finite.</summary>
    public static int FirstIn(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                return i;
        }
        return -1;
    }

    /// <summary>The error for an answer that is not finite, with its cause.</summary>
    /// <param name="name">What messages call the model.</param>
    /// <param name="model">The model, all of whose weights are looked at.</param>
    /// <param name="what">The answer, such as "the logits after 3 tokens".</param>
    public static InputException Refusal(string name, CausalLm model, string what) => new(Describe(name, model, what));

    /// <summary>The message of that error.</summary>
    public static string Describe(string name, CausalLm model, string what) => $"model '{name}' is not finite: {what}; {Cause(model)}";

    /// <summary>Checks every weight before hours of training.</summary>
    /// <exception cref="InputException">A weight is not finite.</exception>
    public static void RefuseWeights(string name, CausalLm model)
    {
        if (Tensor(model) is { } found)
            throw new InputException($"model '{name}' is not finite: {found}");
    }

    /// <summary>
    /// Checks every weight of a model that is to be trained and then written as <paramref name="type"/>. Otherwise it would only be found at the end of the
    /// training that the type is too narrow.
    /// </summary>
    /// <exception cref="InputException">A weight is too large for the type.</exception>
    public static void RefuseBeyond(CausalLm model, ScalarType type)
    {
        double most = finfo(type).max;
        if (type == ScalarType.Float32)
            return;
        using IDisposable quiet = no_grad();
        foreach ((string weight, TorchSharp.Modules.Parameter tensor) in model.Parameters)
        {
            using DisposeScope scope = NewDisposeScope();
            (torch.Tensor least, torch.Tensor largest) = tensor.detach().aminmax();
            double found = Math.Max(-least.to(ScalarType.Float64).cpu().item<double>(), largest.to(ScalarType.Float64).cpu().item<double>());
            if (found > most)
            {
                throw new InputException(string.Create(
                    CultureInfo.InvariantCulture, $"tensor '{WeightLayout.StoredName(model.Config.Family, weight)}' has a value of {(float)found}, which {type} cannot hold (up to {most}); write it with dtype bfloat16 or float32"));
            }
        }
    }

    private static string Cause(CausalLm model)
        => Tensor(model) ?? $"its weights are all finite, so an intermediate value overflows {model.ComputeType}; compute in a wider type (--device cpu computes in float32)";

    private static string? Tensor(CausalLm model)
    {
        using IDisposable quiet = no_grad();
        foreach ((string weight, TorchSharp.Modules.Parameter tensor) in model.Parameters)
        {
            using DisposeScope scope = NewDisposeScope();
            torch.Tensor flat = tensor.detach().flatten();
            long bad = 0, unknown = 0;
            for (long at = 0; at < flat.numel(); at += SliceElements)
            {
                using DisposeScope slice = NewDisposeScope();
                torch.Tensor part = flat.narrow(0, at, Math.Min(SliceElements, flat.numel() - at));
                bad += part.isfinite().logical_not().sum().cpu().item<long>();
                unknown += bad == 0 ? 0 : part.isnan().sum().cpu().item<long>();
            }
            if (bad > 0)
                return $"tensor '{WeightLayout.StoredName(model.Config.Family, weight)}' has {bad} of {flat.numel()} values that are {(unknown > 0 ? "NaN" : "infinite")}; download the model again, or go back to the one it was made from";
        }
        return null;
    }
}
