using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Models;

namespace Pipeline.Stages.GgufExport;

/// <summary>
/// Writes a model's sizes and settings as metadata. A setting with which llama.cpp would compute something else is refused. If it does so only for some
/// texts, that becomes a remark.
/// </summary>
/// <param name="config">The model's configuration.</param>
/// <param name="architecture">What llama.cpp can compute.</param>
/// <param name="remarks">Gets remarks for the user.</param>
internal sealed class GgufParameters(ModelConfig config, GgufArchitecture architecture, List<string> remarks)
{
    private const int LeastContext = 256;

    /// <summary>Checks all settings.</summary>
    /// <exception cref="InputException">GGUF cannot express some of them; all are named.</exception>
    public void Check()
    {
        List<string> errors = [];
        Activation expected = config.Family.OnePlusNorm ? Activation.GeluTanh : Activation.Silu;
        if (config.Activation != expected)
            errors.Add($"its activation is {config.Activation}, but {architecture.Name} in llama.cpp computes {expected}");
        if (!architecture.AttentionBias && (config.QueryKeyValueBias || config.OutputBias))
            errors.Add($"it has biases in its attention (attention_bias), which {architecture.Name} in llama.cpp does not have");
        if (!architecture.MayUntie && !config.TieWordEmbeddings)
            errors.Add($"it has a separate head, but {architecture.Name} in llama.cpp always uses the input embeddings; export it with tied embeddings (\"untie\": false)");
        if (!architecture.FreeHeadWidth && config.HeadDim * config.Heads != config.HiddenSize)
            errors.Add($"its heads are {config.HeadDim} wide, but {architecture.Name} in llama.cpp takes hidden size divided by heads, {config.HiddenSize}/{config.Heads}");
        if (!HasScaling())
            errors.Add($"its rotary scaling is {config.Rope.Scaling}, which cannot be given to {architecture.Name} in llama.cpp exactly");
        if (config.Rope.Scaling == RopeScaling.Yarn && !HasPlainBounds())
            errors.Add($"its YaRN does not blend frequencies between beta_fast 32 and beta_slow 1, rounded (it has {config.Rope.FastRotations} and {config.Rope.SlowRotations}{(config.Rope.WholeBounds ? "" : ", \"truncate\": false")}), and {architecture.Name} in llama.cpp has no setting for that");
        if (config.Rope is { Scaling: RopeScaling.LongRope, OriginalMaxPositions: < LeastContext })
            errors.Add($"its rotary scaling starts above {config.Rope.OriginalMaxPositions} tokens, but llama.cpp chooses it by its context size, which is at least {LeastContext}");
        if (config.Rope.Scaling == RopeScaling.LongRope)
            remarks.Add($"LongRoPE: llama.cpp chooses between the short and the long factors by its context's size, this program by each row's length: for rows of up to {config.Rope.OriginalMaxPositions} tokens, start it with a context no larger than that");
        CheckSliding(errors);
        CheckSoftcaps(errors);
        if (errors.Count > 0)
            throw new InputException($"GGUF cannot express this model: {string.Join("; ", errors)}");
    }

    /// <summary>Writes the settings, which must have been checked.</summary>
    public void Write(GgufWriter writer)
    {
        string a = architecture.Name;
        writer.Set($"{a}.context_length", config.MaxPositions);
        writer.Set($"{a}.embedding_length", config.HiddenSize);
        writer.Set($"{a}.block_count", config.Layers);
        writer.Set($"{a}.feed_forward_length", config.IntermediateSize);
        writer.Set($"{a}.attention.head_count", config.Heads);
        writer.Set($"{a}.attention.head_count_kv", config.KeyValueHeads);
        writer.Set($"{a}.attention.key_length", config.HeadDim);
        writer.Set($"{a}.attention.value_length", config.HeadDim);
        writer.Set($"{a}.attention.layer_norm_rms_epsilon", config.NormEpsilon);
        writer.Set($"{a}.rope.dimension_count", config.RotaryDim);
        writer.Set($"{a}.rope.freq_base", config.Rope.Theta);
        writer.Set($"{a}.vocab_size", config.VocabularySize);
        if (config.Rope.Scaling == RopeScaling.Linear)
        {
            writer.Set($"{a}.rope.scaling.type", "linear");
            writer.Set($"{a}.rope.scaling.factor", config.Rope.Factor);
        }
        if (config.Rope.Scaling == RopeScaling.Yarn)
        {
            writer.Set($"{a}.rope.scaling.type", "yarn");
            writer.Set($"{a}.rope.scaling.factor", config.Rope.Factor);
            writer.Set($"{a}.rope.scaling.original_context_length", (long)config.Rope.OriginalMaxPositions);
            // llama.cpp multiplies this by the magnitude that YaRN has for the factor.
            writer.Set($"{a}.rope.scaling.attn_factor", config.Rope.Magnitude / (config.Rope.Factor <= 1 ? 1 : 1 + 0.1 * Math.Log(config.Rope.Factor)));
        }
        if (config.Rope.Scaling == RopeScaling.LongRope)
        {
            writer.Set($"{a}.rope.scaling.attn_factor", config.Rope.Magnitude);
            writer.Set($"{a}.rope.scaling.original_context_length", (long)config.Rope.OriginalMaxPositions);
        }
        if (architecture.SlidingPeriod != 0)
            writer.Set($"{a}.attention.sliding_window", config.SlidingWindow ?? config.MaxPositions);
        if (architecture.SlidingPeriod is null)
        {
            writer.Set($"{a}.attention.sliding_window_pattern", Period()!.Value);
            writer.Set($"{a}.rope.freq_base_swa", config.SlidingRope.Theta);
        }
        if (config.AttentionSoftcap is { } attention)
            writer.Set($"{a}.attn_logit_softcapping", attention);
        if (config.FinalSoftcap is { } final)
            writer.Set($"{a}.final_logit_softcapping", final);
    }

    private bool HasScaling() => config.Rope.Scaling switch
    {
        RopeScaling.Llama3 => architecture.RopeFactors,
        RopeScaling.LongRope => architecture.Name == "phi3",
        // YaRN's magnitude would also apply to the layers with local rotation, which are not scaled.
        RopeScaling.Yarn => !config.Family.LocalRope,
        RopeScaling.Dynamic => false,
        _ => true,
    };

    // Other bounds do no harm if they round to the same dimensions, so the frequencies are compared and not the bounds.
    private bool HasPlainBounds()
    {
        RopeSettings plain = config.Rope with { FastRotations = 32, SlowRotations = 1, WholeBounds = true };
        return config.Rope.InverseFrequencies(config.RotaryDim).SequenceEqual(plain.InverseFrequencies(config.RotaryDim));
    }

    private void CheckSliding(List<string> errors)
    {
        if (architecture.SlidingPeriod == 0)
        {
            if (config.SlidingWindow is { } window)
            {
                remarks.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{config.IsSliding.Count(s => s)} of {config.Layers} layers see {window} positions; {architecture.Name} in llama.cpp has no windows, so it computes this model only for texts of up to {window} tokens"));
            }
            return;
        }
        if (Period() is not { } period || (architecture.SlidingPeriod is { } fixedPeriod && period != fixedPeriod && config.Layers > 1))
        {
            string known = architecture.SlidingPeriod is { } n ? $"every {n}nd layer" : "every n-th layer", found = string.Concat(config.IsSliding.Select(s => s ? 's' : 'f'));
            errors.Add($"its layers slide as {found} (s: sliding, f: full; layer_types), but {architecture.Name} in llama.cpp knows full attention only at {known}");
        }
        if (config.SlidingRope.Scaling != RopeScaling.None && config.SlidingRope != config.Rope)
            errors.Add($"the rotation of its sliding layers is scaled ({config.SlidingRope.Scaling})");
    }

    private void CheckSoftcaps(List<string> errors)
    {
        // For a missing key, llama.cpp takes the default of the family. Here it means that there is no cap.
        if (config.Family.AttentionSoftcap && config.AttentionSoftcap is null)
            errors.Add("it has no attn_logit_softcapping, but llama.cpp then assumes 50");
        if (config.Family.AttentionSoftcap && config.FinalSoftcap is null)
            errors.Add("it has no final_logit_softcapping, but llama.cpp then assumes 30");
    }

    /// <summary>The n such that every n-th layer has full attention and the others a sliding window; null where there is none.</summary>
    private int? Period()
    {
        for (int period = 1; period <= config.Layers + 1; period++)
        {
            if (Enumerable.Range(0, config.Layers).All(i => config.IsSliding[i] == ((i + 1) % period != 0)))
                return period;
        }
        return null;
    }
}
