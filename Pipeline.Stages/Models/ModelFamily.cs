namespace Pipeline.Stages.Models;

/// <summary>Which layers see only a window of the past, unless the config lists them in <c>layer_types</c>.</summary>
public enum SlidingRule
{
    None,

    /// <summary>Every layer, if there is a <c>sliding_window</c> (Mistral, Phi 3).</summary>
    All,

    /// <summary>The layers from <c>max_window_layers</c> on, if <c>use_sliding_window</c> is true (Qwen).</summary>
    UpperLayers,

    /// <summary>The layers 0, 2, 4, ... (Gemma 2).</summary>
    EvenLayers,

    /// <summary>All layers except every n-th, where n is <c>sliding_window_pattern</c> (Gemma 3).</summary>
    Pattern,
}

/// <summary>Where a layer has its norms.</summary>
public enum NormPlace
{
    /// <summary>Before the attention and before the feed-forward part.</summary>
    Before,

    /// <summary>Before both parts, and also on their outputs before these are added to the residual stream (Gemma 2, 3).</summary>
    Around,

    /// <summary>Only on the outputs of both parts (OLMo 2).</summary>
    After,
}

/// <summary>How queries and keys are normed before they are rotated.</summary>
public enum QueryKeyNorm
{
    None,

    /// <summary>Each head by itself, with weights that all heads share (Qwen 3, Gemma 3).</summary>
    PerHead,

    /// <summary>All heads together, as one vector (OLMo 2).</summary>
    AllHeads,
}

/// <summary>Which projections of the attention have biases.</summary>
public enum BiasRule
{
    Never,

    /// <summary>Those to queries, keys and values always have one, the output projection never (Qwen 2).</summary>
    QueryKeyValue,

    /// <summary>All four have one if <c>attention_bias</c> is true.</summary>
    ByConfig,
}

/// <summary>What absent keys mean in a config of the family: the defaults of the Hugging Face config class.</summary>
public sealed record FamilyDefaults(int VocabularySize, int HiddenSize, int IntermediateSize, int Layers, int Heads)
{
    /// <summary>Null means as many as heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>Null means the hidden size divided by the number of heads.</summary>
    public int? HeadDim { get; init; }

    public double RopeTheta { get; init; } = 10_000;

    public int? SlidingWindow { get; init; }

    public double? AttentionSoftcap { get; init; }

    public double? FinalSoftcap { get; init; }

    public int MaxPositions { get; init; } = 32_768;

    public double NormEpsilon { get; init; } = 1e-6;
}

/// <summary>Several projections of a layer that are stored as one tensor, the rows of one after those of the other.</summary>
/// <param name="Name">The name in the file, such as <c>qkv_proj</c>.</param>
/// <param name="Parts">The projections in the order of their rows, by the names under which other families store them.</param>
public sealed record FusedWeight(string Name, IReadOnlyList<string> Parts);

/// <summary>What distinguishes a model family from the others. One decoder computes all of them.</summary>
/// <param name="ModelType">The <c>model_type</c> in the config.</param>
/// <param name="Architecture">The name of the Hugging Face class that computes such models.</param>
/// <param name="Defaults">What absent keys of the config mean.</param>
public sealed record ModelFamily(string ModelType, string Architecture, FamilyDefaults Defaults)
{
    /// <summary>Whether RMSNorm multiplies by 1 + w (Gemma) instead of w.</summary>
    public bool OnePlusNorm { get; init; }

    /// <summary>Whether embeddings are multiplied by the square root of the hidden size (Gemma).</summary>
    public bool ScaledEmbedding { get; init; }

    public NormPlace Norms { get; init; }

    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>
    /// Whether attention scores are divided by the square root of <c>query_pre_attn_scalar</c>, 256 by default, instead of that of the head's width
    /// (Gemma 2, 3).
    /// </summary>
    public bool QueryScalar { get; init; }

    /// <summary>Whether the config may ask for a softcap on attention scores.</summary>
    public bool AttentionSoftcap { get; init; }

    /// <summary>Whether the config may ask for a softcap on logits.</summary>
    public bool FinalSoftcap { get; init; }

    /// <summary>
    /// Whether sliding layers have a rotation of their own (Gemma 3): unscaled with the base <c>rope_local_base_freq</c>, or as
    /// <c>rope_parameters</c> says.
    /// </summary>
    public bool LocalRope { get; init; }

    /// <summary>Whether <c>partial_rotary_factor</c> may limit the rotation to the first dimensions of each head (Phi 3, Phi 4 mini).</summary>
    public bool PartialRotary { get; init; }

    /// <summary>The projections that are stored together; see <see cref="WeightLayout"/>.</summary>
    public IReadOnlyList<FusedWeight> Fused { get; init; } = [];

    public BiasRule Bias { get; init; }

    /// <summary>Whether the config may ask for biases in the feed-forward part.</summary>
    public bool MlpBias { get; init; }

    public SlidingRule Sliding { get; init; }

    /// <summary>Whether the head is the input embeddings if the config does not say.</summary>
    public bool TiedByDefault { get; init; }

    /// <summary>The config's key for the activation function of the feed-forward part.</summary>
    public string ActivationKey { get; init; } = "hidden_act";

    public Activation DefaultActivation { get; init; } = Activation.Silu;

    /// <summary>
    /// The <c>model_type</c> of the text model, whose config is inside <c>text_config</c>. Exports are of the text model alone. Null if the config is
    /// itself that of a text model.
    /// </summary>
    public string? TextModelType { get; init; }

    /// <summary>The ids that the Hugging Face config class gives the special tokens pad, bos and eos if the config does not name them.</summary>
    public (int? Pad, int? Bos, int? Eos) Marks { get; init; }
}
