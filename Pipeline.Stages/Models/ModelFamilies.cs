namespace Pipeline.Stages.Models;

/// <summary>The model families that this decoder computes. Their defaults are those of transformers 4.57.</summary>
internal static class ModelFamilies
{
    private static readonly ModelFamily Gemma3Text = new("gemma3_text", "Gemma3ForCausalLM", new(262_208, 2304, 9216, 26, 8)
    {
        KeyValueHeads = 4,
        HeadDim = 256,
        RopeTheta = 1_000_000,
        SlidingWindow = 4096,
        MaxPositions = 131_072,
    })
    {
        OnePlusNorm = true,
        ScaledEmbedding = true,
        Norms = NormPlace.Around,
        QueryKeyNorm = QueryKeyNorm.PerHead,
        QueryScalar = true,
        FinalSoftcap = true,
        LocalRope = true,
        Bias = BiasRule.ByConfig,
        Sliding = SlidingRule.Pattern,
        TiedByDefault = true,
        ActivationKey = "hidden_activation",
        DefaultActivation = Activation.GeluTanh,
        Marks = (0, 2, 1),
    };

    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        new("llama", "LlamaForCausalLM", new(32_000, 4096, 11_008, 32, 32) { MaxPositions = 2048 })
        {
            Bias = BiasRule.ByConfig, MlpBias = true, Marks = (null, 1, 2),
        },
        new("mistral", "MistralForCausalLM", new(32_000, 4096, 14_336, 32, 32) { KeyValueHeads = 8, SlidingWindow = 4096, MaxPositions = 131_072 })
        {
            Sliding = SlidingRule.All, Marks = (null, 1, 2),
        },
        new("qwen2", "Qwen2ForCausalLM", new(151_936, 4096, 22_016, 32, 32) { KeyValueHeads = 32, SlidingWindow = 4096 })
        {
            Bias = BiasRule.QueryKeyValue, Sliding = SlidingRule.UpperLayers,
        },
        new("qwen3", "Qwen3ForCausalLM", new(151_936, 4096, 22_016, 32, 32) { KeyValueHeads = 32, HeadDim = 128, SlidingWindow = 4096 })
        {
            Bias = BiasRule.ByConfig, QueryKeyNorm = QueryKeyNorm.PerHead, Sliding = SlidingRule.UpperLayers,
        },
        new("gemma", "GemmaForCausalLM", new(256_000, 3072, 24_576, 28, 16) { KeyValueHeads = 16, HeadDim = 256, MaxPositions = 8192 })
        {
            OnePlusNorm = true, ScaledEmbedding = true, Bias = BiasRule.ByConfig, TiedByDefault = true, DefaultActivation = Activation.GeluTanh, Marks = (0, 2, 1),
        },
        new("gemma2", "Gemma2ForCausalLM", new(256_000, 2304, 9216, 26, 8)
        {
            KeyValueHeads = 4, HeadDim = 256, SlidingWindow = 4096, AttentionSoftcap = 50, FinalSoftcap = 30, MaxPositions = 8192,
        })
        {
            OnePlusNorm = true, ScaledEmbedding = true, Norms = NormPlace.Around, QueryScalar = true, AttentionSoftcap = true, FinalSoftcap = true,
            Bias = BiasRule.ByConfig, Sliding = SlidingRule.EvenLayers, TiedByDefault = true, ActivationKey = "hidden_activation",
            DefaultActivation = Activation.GeluTanh, Marks = (0, 2, 1),
        },
        Gemma3Text,
        Gemma3Text with { ModelType = "gemma3", Architecture = "Gemma3ForConditionalGeneration", FinalSoftcap = false, TextModelType = "gemma3_text" },
        new("phi3", "Phi3ForCausalLM", new(32_064, 3072, 8192, 32, 32) { MaxPositions = 4096, NormEpsilon = 1e-5 })
        {
            Fused = [new("qkv_proj", ["q_proj", "k_proj", "v_proj"]), new("gate_up_proj", ["gate_proj", "up_proj"])],
            PartialRotary = true, Sliding = SlidingRule.All, Marks = (32_000, 1, 32_000),
        },
        new("olmo2", "Olmo2ForCausalLM", new(50_304, 4096, 11_008, 32, 32) { MaxPositions = 2048, NormEpsilon = 1e-5 })
        {
            Norms = NormPlace.After, QueryKeyNorm = QueryKeyNorm.AllHeads, Bias = BiasRule.ByConfig, Marks = (1, null, 50_279),
        },
    ];

    /// <summary>The family with this <c>model_type</c>. Null if there is none.</summary>
    public static ModelFamily? Find(string modelType) => All.FirstOrDefault(family => family.ModelType == modelType);
}
