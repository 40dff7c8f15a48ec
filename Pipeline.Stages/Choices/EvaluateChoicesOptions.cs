using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Choices;

/// <summary>What <c>evaluate-choices</c> may be told.</summary>
internal sealed record EvaluateChoicesOptions
{
    [Description("The models to judge, each with an edit or without.")]
    public required IReadOnlyList<EvaluatedModel> Models { get; init; }

    [Description("Files of plain text, Parquet or JSON Lines, on which bits per byte are measured beside the answers.")]
    public required IReadOnlyList<string> Text { get; init; }

    [Description("The column or field of that text.")]
    public string TextColumn { get; init; } = "text";

    [Description("Which of the models are the plain one, the edited one, and its controls; absent: no verdict.")]
    public ComparedEdit? Compare { get; init; }

    [Description("Tokens of a batch, padding included.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("The longest window of the text, in bytes of UTF-8.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int WindowBytes { get; init; } = 1024;

    [Description("Text is read until it is longer than this.")]
    [Range(1, 1 << 30)]
    public int MaxTextBytes { get; init; } = 1 << 20;

    [Description("Names this judgement's part of the run's report: report/NAME.json.")]
    public string To { get; init; } = "choices";
}

/// <summary>Names of models above.</summary>
internal sealed record ComparedEdit
{
    [Description("The model without an edit.")]
    public required string Plain { get; init; }

    [Description("The model with the edit.")]
    public required string Edited { get; init; }

    [Description("The model with the edit whose sides are exchanged.")]
    public required string Exchanged { get; init; }

    [Description("The model with random bases of the edit's ranks.")]
    public required string Random { get; init; }
}
