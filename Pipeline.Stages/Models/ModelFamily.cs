namespace Pipeline.Stages.Models;

/// <summary>Which layers see only a window of the past, when the config does not list them.</summary>
public enum SlidingRule
{
    None,

    /// <summary>Every layer, when <c>sliding_window</c> is given (Mistral, Phi 3).</summary>
    All,

    /// <summary>Layers from <c>max_window_layers</c> on, when <c>use_sliding_window</c> (Qwen).</summary>
    UpperLayers,

    /// <summary>Layers 0, 2, 4, ... (Gemma 2).</summary>
    EvenLayers,

    /// <summary>All but every n-th, n = <c>sliding_window_pattern</c> (Gemma 3).</summary>
    Pattern,
}

/// <summary>Where a layer's norms stand.</summary>
public enum NormPlace
{
    /// <summary>Before attention and before the feed-forward part.</summary>
    Before,

    /// <summary>Before, and on the outputs too before they join the residual (Gemma 2, 3).</summary>
    Around,

    /// <summary>On the outputs only (OLMo 2).</summary>
    After,
}

/// <summary>What is normed of queries and keys before the rotation.</summary>
public enum QueryKeyNorm
{
    None,

    /// <summary>Each head by itself, all with the same weights (Qwen 3, Gemma 3).</summary>
    PerHead,

    /// <summary>All heads together (OLMo 2).</summary>
    AllHeads,
}

/// <summary>Which of the attention's projections have biases.</summary>
public enum BiasRule
{
    Never,

    /// <summary>Queries, keys and values always, the output never (Qwen 2).</summary>
    QueryKeyValue,

    /// <summary>All four when <c>attention_bias</c>.</summary>
    ByConfig,
}

/// <summary>What a config of the family means when a key is absent: the defaults of the Hugging Face config class.</summary>
public sealed record FamilyDefaults(int VocabularySize, int HiddenSize, int IntermediateSize, int Layers, int Heads)
{
    /// <summary>Null: as many as heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>Null: hidden size by heads.</summary>
    public int? HeadDim { get; init; }

    public double RopeTheta { get; init; } = 10_000;

    public int? SlidingWindow { get; init; }

    public double? AttentionSoftcap { get; init; }

    public double? FinalSoftcap { get; init; }

    public int MaxPositions { get; init; } = 32_768;

    public double NormEpsilon { get; init; } = 1e-6;
}

/// <summary>Several projections of a layer that files hold as one tensor, row after row.</summary>
/// <param name="Name">In the file, e.g. <c>qkv_proj</c>.</param>
/// <param name="Parts">In the order of their rows, by the names other families store them under.</param>
public sealed record FusedWeight(string Name, IReadOnlyList<string> Parts);

/// <summary>One decoder computes every family; a row says in what they differ.</summary>
public sealed record ModelFamily(string ModelType, string Architecture, FamilyDefaults Defaults)
{
    /// <summary>RMSNorm multiplies by 1 + w (Gemma), not w.</summary>
    public bool OnePlusNorm { get; init; }

    /// <summary>Embeddings are multiplied by the square root of the hidden size (Gemma).</summary>
    public bool ScaledEmbedding { get; init; }

    public NormPlace Norms { get; init; }

    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>Scores are scaled by <c>query_pre_attn_scalar</c>, default 256, not by the head's width (Gemma 2, 3).</summary>
    public bool QueryScalar { get; init; }

    public bool AttentionSoftcap { get; init; }

    public bool FinalSoftcap { get; init; }

    /// <summary>Sliding layers rotate by their own base, unscaled (Gemma 3).</summary>
    public bool LocalRope { get; init; }

    /// <summary>Only the first <c>partial_rotary_factor</c> of each head's dimensions are rotated (Phi 3, Phi 4 mini).</summary>
    public bool PartialRotary { get; init; }

    /// <summary>What files hold in one tensor; see <see cref="WeightLayout"/>.</summary>
    public IReadOnlyList<FusedWeight> Fused { get; init; } = [];

    public BiasRule Bias { get; init; }

    public bool MlpBias { get; init; }

    public SlidingRule Sliding { get; init; }

    public bool TiedByDefault { get; init; }

    /// <summary>The config's key for the activation.</summary>
    public string ActivationKey { get; init; } = "hidden_act";

    public Activation DefaultActivation { get; init; } = Activation.Silu;

    /// <summary>The config wraps the text model's in <c>text_config</c>; exports are of this family's own text form.</summary>
    public string? TextModelType { get; init; }

    /// <summary>What Hugging Face's config class gives a tokenizer's marks when they are absent: pad, bos, eos.</summary>
    public (int? Pad, int? Bos, int? Eos) Marks { get; init; }
}
