using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Models;
using Pipeline.Stages.Steering;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What a definition may say about the <c>fit-sea</c> stage.</summary>
internal sealed record FitSeaOptions
{
    [Description("The folder for the sums, inside the run folder; read-sea-sums names it as run:NAME.")]
    public string To { get; init; } = "sea-sums";

    [Description("The model whose activations are summed: a Hugging Face folder, run:NAME, or teacher for the definition's teacher.")]
    public string Model { get; init; } = ModelPlace.Teacher;

    [Description("A tokenizer other than the model's own: a folder, a tokenizer.json, or bytes.")]
    public string? Tokenizer { get; init; }

    [Description("Which of the model's own activations the demonstrations are compared with: greedy (its own answer), prompt, or column.")]
    public BaseChoice Base { get; init; } = BaseChoice.Greedy;

    [Description("For base greedy: the longest answer, in tokens.")]
    [Range(1, 4096)]
    public int MaxNewTokens { get; init; } = 32;

    [Description("For base greedy: the answer ends at the token that completes one of these texts.")]
    public IReadOnlyList<string> Stop { get; init; } = [];

    [Description("Where activations are read, and edited later: residual (the stream after a layer, before the final norm) or mlp (the MLP's output before it joins the stream).")]
    public ActivationPlace Place { get; init; } = ActivationPlace.Residual;

    [Description("Layers, 0 being the first and -1 the last; absent: all.")]
    public IReadOnlyList<int>? Layers { get; init; }

    [Description("The feature map under which activations are correlated and edited.")]
    public FeatureMap Map { get; init; } = FeatureMap.Identity;

    [Description("Number of parts that the demonstrations are divided into. Each part is computed once and kept; their sums add up.")]
    [Range(1, 100_000)]
    public int Count { get; init; } = 1;

    [Description("Base activations that each part keeps, to measure the strength of the edit later.")]
    [Range(1, 1 << 16)]
    public int Sample { get; init; } = 256;

    [Description("Tokens of one forward pass, padding included: rows times the longest row.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("A demonstration of more tokens is rejected and counted.")]
    [Range(2, 1 << 20)]
    public int MaxTokens { get; init; } = 4096;
}
