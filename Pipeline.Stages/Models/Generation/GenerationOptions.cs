using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Models.Generation;

/// <summary>How the next token is chosen. The settings apply in this order: repetition penalty, temperature, top-k, top-p, min-p.</summary>
public sealed record GenerationOptions
{
    [Description("At most this many new tokens per prompt.")]
    [Range(1, 1_000_000)]
    public int MaxNewTokens { get; init; } = 256;

    [Description("0 always takes the most likely token; otherwise logits are divided by it before sampling.")]
    [Range(0, 100)]
    public double Temperature { get; init; }

    [Description("Sample from the k most likely tokens. Absent: from all.")]
    [Range(1, 1_000_000)]
    public int? TopK { get; init; }

    [Description("Sample from the most likely tokens whose probabilities add up to this. Absent: from all.")]
    [Range(0.0001, 1)]
    public double? TopP { get; init; }

    [Description("Drop tokens whose probability is below this share of the most likely token's. Absent: none.")]
    [Range(0, 1)]
    public double? MinP { get; init; }

    [Description("Logits of tokens that have occurred are divided by it when positive, multiplied when negative. 1 turns it off.")]
    [Range(0.01, 100)]
    public double RepetitionPenalty { get; init; } = 1;

    [Description("Seed of the sampling; each prompt has a random stream of its own.")]
    public int Seed { get; init; }

    [Description("An answer ends when its text contains one of these; the text is cut before it.")]
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>The options that a request to a teacher stands for.</summary>
    internal static GenerationOptions Of(WritingRequest request)
        => new() { MaxNewTokens = request.MaxNewTokens, Temperature = request.Temperature, TopK = request.TopK, TopP = request.TopP, Seed = request.Seed };
}
