using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Resolves a config.json by the rules of its family (see <see cref="ModelFamilies"/>). It reads the old form of the Hugging Face hub, the present one,
/// and that of transformers 5.
/// </summary>
internal static class ModelConfigReader
{
    // Tables and the list of expected weights grow with the number of layers. A config from a stranger must not be able to fill the memory.
    private const int MostLayers = 10_000;

    public static ModelConfig Read(JsonElement root, string source)
    {
        List<string> errors = [];
        ConfigObject outer = new(root, "", errors);
        string? type = outer.Text("model_type");
        ModelFamily family = ModelFamilies.Find(type ?? "") ?? throw new InputException(
            $"{source}: model_type '{type ?? "(none)"}' is not supported; supported: {string.Join(", ", ModelFamilies.All.Select(row => row.ModelType))}");
        ConfigObject text = outer;
        List<string> unread = [];
        if (family.TextModelType is { } textType)
        {
            text = outer.Object("text_config") ?? new ConfigObject(JsonDocument.Parse("{}").RootElement, "text_config.", errors);
            if (text.Text("model_type") is { } inner && inner != textType)
                errors.Add($"text_config.model_type is '{inner}', expected '{textType}'");
        }

        ModelConfig config = ReadText(text, outer, family);
        if (text != outer)
        {
            unread.AddRange(outer.Unread(HarmlessKeys.Wrapper));
            KeepMarks(outer, config.Json);
        }

        unread.AddRange(text.Unread(HarmlessKeys.Text));
        if (unread.Count > 0)
            errors.Add($"keys this program does not know for model_type '{type}', so it cannot tell whether they change the result: {string.Join(", ", unread)}; delete those that do not matter, or name them with --ignore-config-key");
        if (errors.Count > 0)
            throw new InputException($"{source}: {string.Join("; ", errors.Distinct())}");
        return config;
    }

    // Exports write the text model without the config around it, so special tokens that only the outer config names have to be copied.
    private static void KeepMarks(ConfigObject outer, JsonObject text)
    {
        foreach (string key in new[] { "bos_token_id", "eos_token_id", "pad_token_id" })
        {
            if (outer.Get(key) is { } value && text[key] is null)
                text[key] = JsonNode.Parse(value.GetRawText());
        }
    }

    private static ModelConfig ReadText(ConfigObject text, ConfigObject outer, ModelFamily family)
    {
        FamilyDefaults defaults = family.Defaults;
        int hidden = text.Count("hidden_size") ?? defaults.HiddenSize;
        int layers = text.Count("num_hidden_layers", most: MostLayers) ?? defaults.Layers;
        int heads = text.Count("num_attention_heads") ?? defaults.Heads;
        // An absent key and null differ in Hugging Face: absent means the default of the config class, null means as many as heads.
        int? groups = text.Count("num_key_value_heads");
        int keyValueHeads = groups ?? (text.Has("num_key_value_heads") ? heads : defaults.KeyValueHeads ?? heads);
        int? width = text.Count("head_dim");
        int headDim = width ?? defaults.HeadDim ?? hidden / heads;
        if (width is null && defaults.HeadDim is null && hidden % heads != 0)
            text.Error("num_attention_heads", $"= {heads} does not divide hidden_size {hidden}");
        if (heads % keyValueHeads != 0)
            text.Error("num_key_value_heads", $"= {keyValueHeads} does not divide num_attention_heads {heads}");
        if (headDim % 2 != 0)
            text.Error("head_dim", $"= {headDim} is odd; rotation needs pairs");
        double scalar = family.QueryScalar ? text.Number("query_pre_attn_scalar") ?? 256 : headDim;
        // Qwen 2 has its biases whatever the config says.
        bool attentionBias = (text.Flag("attention_bias") ?? false) && family.Bias != BiasRule.QueryKeyValue;
        if (family.Bias == BiasRule.Never && attentionBias)
            text.Error("attention_bias", "= true is not part of this family");
        bool mlpBias = text.Flag("mlp_bias") ?? false;
        if (mlpBias && !family.MlpBias)
            text.Error("mlp_bias", "= true is not part of this family");
        RefuseUnlessNeutral(text, family);
        int rotaryDim = family.PartialRotary ? (int)(headDim * (text.Number("partial_rotary_factor") ?? 1)) : headDim;
        if (rotaryDim < 2 || rotaryDim > headDim || rotaryDim % 2 != 0)
            text.Error("partial_rotary_factor", $"rotates {rotaryDim} of a head's {headDim} dimensions; rotation needs pairs of them");
        (RopeSettings rope, RopeSettings slidingRope) = RopeReader.Read(text, family, rotaryDim);
        (int? window, bool[] sliding) = SlidingReader.Read(text, family, layers);
        return new ModelConfig
        {
            Family = family,
            VocabularySize = text.Count("vocab_size") ?? defaults.VocabularySize,
            HiddenSize = hidden,
            IntermediateSize = text.Count("intermediate_size") ?? defaults.IntermediateSize,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadDim = headDim,
            NormEpsilon = text.Number("rms_norm_eps", positive: false) ?? defaults.NormEpsilon,
            Activation = ReadActivation(text, family),
            QueryKeyValueBias = attentionBias || family.Bias == BiasRule.QueryKeyValue,
            OutputBias = attentionBias,
            MlpBias = mlpBias,
            TieWordEmbeddings = ReadTie(text, outer) ?? family.TiedByDefault,
            AttentionScale = 1 / Math.Sqrt(scalar),
            AttentionSoftcap = ReadSoftcap(text, "attn_logit_softcapping", family.AttentionSoftcap, defaults.AttentionSoftcap),
            FinalSoftcap = ReadSoftcap(text, "final_logit_softcapping", family.FinalSoftcap, defaults.FinalSoftcap),
            SlidingWindow = window,
            IsSliding = sliding,
            Rope = rope,
            SlidingRope = slidingRope,
            RotaryDim = rotaryDim,
            InitializerRange = text.Number("initializer_range", positive: false) ?? 0.02,
            AttentionDropout = text.Number("attention_dropout", positive: false) ?? 0,
            MaxPositions = text.Count("max_position_embeddings") ?? defaults.MaxPositions,
            StorageType = ReadType(text) ?? ReadType(outer),
            Json = (JsonObject)JsonNode.Parse(text.Element.GetRawText())!,
        };
    }

    // Configs often carry keys of other architectures. They are accepted with the value that changes nothing, and refused with any other.
    private static void RefuseUnlessNeutral(ConfigObject text, ModelFamily family)
    {
        foreach ((string key, double neutral) in new[] { ("partial_rotary_factor", 1.0), ("hidden_dropout", 0.0), ("resid_pdrop", 0.0), ("embd_pdrop", 0.0), ("logit_scale", 1.0) })
        {
            bool computed = key == "partial_rotary_factor" && family.PartialRotary;
            if (!computed && text.Number(key, positive: false) is { } value && value != neutral)
                text.Error(key, $"= {value} is not supported; only {neutral} is");
        }

        foreach (string key in new[] { "use_bidirectional_attention", "use_qk_norm", "add_cross_attention", "tie_encoder_decoder", "alibi", "parallel_residual", "use_mrope", "rope_interleaved" })
        {
            if (text.Has(key) && (text.Flag(key) ?? false))
                text.Error(key, "= true is not supported");
        }

        foreach (string key in new[] { "pruned_heads", "quantization_config", "mrope_section" })
        {
            if (text.Get(key) is { } value && !(value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any()))
                text.Error(key, "is not supported");
        }
    }

    private static Activation ReadActivation(ConfigObject text, ModelFamily family)
    {
        Activation? act = ReadActivation(text, "hidden_act"), activation = ReadActivation(text, "hidden_activation");
        bool firstGemma = family.ModelType == "gemma";
        // Google's first Gemma configs say "gelu", but the models were trained with the tanh form. Transformers 4.38 to 4.4x computed that form too.
        if (firstGemma && act == Activation.Gelu && (activation is null or Activation.GeluTanh))
            return Activation.GeluTanh;
        (Activation? own, Activation? other) = family.ActivationKey == "hidden_act" ? (act, activation) : (activation, act);
        // For the first Gemma, both keys have been in use.
        Activation result = own ?? (firstGemma ? other : null) ?? family.DefaultActivation;
        if (other is not null && other != result)
            text.Error("hidden_act", $"and hidden_activation: this family computes {result}, as {family.ActivationKey} says, but the other key says {other}; delete the other key");
        return result;
    }

    private static Activation? ReadActivation(ConfigObject text, string key)
    {
        if (text.Text(key) is not { } name)
            return null;
        if (Activations.Parse(name) is { } activation)
            return activation;
        text.Error(key, $"= '{name}' is not supported; supported: silu, gelu, gelu_pytorch_tanh");
        return null;
    }

    private static bool? ReadTie(ConfigObject text, ConfigObject outer)
    {
        bool? inner = text.Flag("tie_word_embeddings");
        if (text == outer)
            return inner;
        bool? wrapper = outer.Flag("tie_word_embeddings");
        if (inner is { } a && wrapper is { } b && a != b)
            text.Error("tie_word_embeddings", $"= {a} in text_config, and {b} next to it");
        return inner ?? wrapper;
    }

    private static double? ReadSoftcap(ConfigObject text, string key, bool supported, double? absent)
    {
        double? value = text.Number(key);
        if (value is not null && !supported)
            text.Error(key, $"= {value} is not part of this family");
        return text.Has(key) ? value : absent;
    }

    private static ScalarType? ReadType(ConfigObject from)
    {
        string? current = from.Text("dtype"), old = from.Text("torch_dtype");
        string? name = current ?? old;
        switch (name)
        {
            case null:
                return null;
            case "float32" or "float":
                return ScalarType.Float32;
            case "bfloat16":
                return ScalarType.BFloat16;
            case "float16" or "half":
                return ScalarType.Float16;
            case "auto":
                return null;
            default:
                from.Error(current is null ? "torch_dtype" : "dtype", $"= '{name}' is not supported; supported: float32, bfloat16, float16");
                return null;
        }
    }
}
