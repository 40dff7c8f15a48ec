using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;

namespace Pipeline.Stages.GgufExport;

/// <summary>What llama.cpp calls a family and how its decoder of it differs from ours; facts of its source and of the models tried.</summary>
/// <param name="Name">The value of <c>general.architecture</c>.</param>
internal sealed record GgufArchitecture(string Name)
{
    /// <summary>Rotation pairs neighbours, not halves: rows of queries and keys are stored interleaved.</summary>
    public bool Interleaved { get; init; }

    /// <summary>Biases on the attention's projections where the config asks for them.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>A head of its own may be absent; else it is always written.</summary>
    public bool MayTie { get; init; } = true;

    /// <summary>A head of its own may be there.</summary>
    public bool MayUntie { get; init; } = true;

    /// <summary>Heads may be of another width than hidden size by heads.</summary>
    public bool FreeHeadWidth { get; init; } = true;

    /// <summary>The number of layers at which it takes hidden size by heads for the scale of attention; 0: never.</summary>
    public int LayersScaledByHidden { get; init; }

    /// <summary>Which layers slide: every n-th does not (n = 0: none slides, n = null: said by a key).</summary>
    public int? SlidingPeriod { get; init; } = 0;

    /// <summary>Reads a factor for every rotary frequency (Llama 3's scaling).</summary>
    public bool RopeFactors { get; init; }

    /// <summary>The architecture of a family.</summary>
    /// <exception cref="InputException">llama.cpp has none that computes it.</exception>
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

    /// <summary>The factor on scores that it takes by itself.</summary>
    public double AttentionScale(ModelConfig config)
        => 1 / Math.Sqrt(LayersScaledByHidden == config.Layers ? (double)config.HiddenSize / config.Heads : config.HeadDim);
}
