using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;

namespace Pipeline.Stages.GgufExport;

/// <summary>
/// What llama.cpp calls a family of models, and what its decoder for it can and cannot do. These are facts of its source code, and of models that were
/// tried with it.
/// </summary>
/// <param name="Name">llama.cpp's name for it, the value of <c>general.architecture</c>.</param>
internal sealed record GgufArchitecture(string Name)
{
    /// <summary>Whether the rotation pairs neighbouring dimensions, not the halves of a head. Rows of queries and keys are then stored interleaved.</summary>
    public bool Interleaved { get; init; }

    /// <summary>Whether the attention's projections may have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the file may leave out the head, which then is the input embeddings. If not, it is always written.</summary>
    public bool MayTie { get; init; } = true;

    /// <summary>Whether the file may have a head that differs from the input embeddings.</summary>
    public bool MayUntie { get; init; } = true;

    /// <summary>Whether the width of a head may differ from the hidden size divided by the number of heads.</summary>
    public bool FreeHeadWidth { get; init; } = true;

    /// <summary>
    /// llama.cpp scales attention by the hidden size divided by the number of heads, instead of by the head's width, in models with exactly this many layers.
    /// 0 where it never does.
    /// </summary>
    public int LayersScaledByHidden { get; init; }

    /// <summary>
    /// n, where every n-th layer has full attention and the others a sliding window. 0 where all layers have full attention; null where a key of the file says n.
    /// </summary>
    public int? SlidingPeriod { get; init; } = 0;

    /// <summary>Whether the file may have a factor for each rotary frequency, as Llama 3's scaling needs.</summary>
    public bool RopeFactors { get; init; }

    /// <summary>The architecture of a family.</summary>
    /// <exception cref="InputException">llama.cpp has none for it that is known here.</exception>
    public static GgufArchitecture Of(ModelFamily family) => family.ModelType switch
    {
        "llama" or "mistral" => new("llama") { Interleaved = true, AttentionBias = true, RopeFactors = true },
        "qwen2" => new("qwen2") { AttentionBias = true, FreeHeadWidth = false },
        "qwen3" => new("qwen3"),
        "gemma" => new("gemma") { MayUntie = false },
        "gemma2" => new("gemma2") { MayUntie = false, SlidingPeriod = 2, LayersScaledByHidden = 46 },
        "gemma3_text" or "gemma3" => new("gemma3") { MayUntie = false, SlidingPeriod = null, LayersScaledByHidden = 62 },
        "phi3" => new("phi3") { FreeHeadWidth = false },
        "olmo2" => new("olmo2") { MayTie = false, FreeHeadWidth = false },
        _ => throw new InputException($"model_type '{family.ModelType}': no architecture of llama.cpp that this program knows computes it; use the Hugging Face folder"),
    };

    /// <summary>The factor by which llama.cpp scales the attention's scores.</summary>
    public double AttentionScale(ModelConfig config)
        => 1 / Math.Sqrt(LayersScaledByHidden == config.Layers ? (double)config.HiddenSize / config.Heads : config.HeadDim);
}
