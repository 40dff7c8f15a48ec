using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Choices;

/// <summary>The options of the stage <c>evaluate-choices</c>.</summary>
internal sealed record EvaluateChoicesOptions : IValidatableObject
{
    [Description("The models to judge, each with or without an edit.")]
    public required IReadOnlyList<EvaluatedModel> Models { get; init; }

    [Description("Files of plain text, Parquet or JSON Lines, on which bits per byte are measured as well.")]
    public required IReadOnlyList<string> Text { get; init; }

    [Description("The column or field of that text.")]
    public string TextColumn { get; init; } = "text";

    [Description("Which of the models are the plain one, the edited one, and its controls. Absent: no verdict.")]
    public ComparedEdit? Compare { get; init; }

    [Description("Tokens per batch, padding included.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("The longest window of the text, in bytes of UTF-8.")]
    [Range(WindowCutter.LeastWindowBytes, 1 << 20)]
    public int WindowBytes { get; init; } = 1024;

    [Description("Text is read until it is longer than this.")]
    [Range(1, 1 << 30)]
    public int MaxTextBytes { get; init; } = 1 << 20;

    [Description("The name of these results in the run's report: report/NAME.json.")]
    public string To { get; init; } = "choices";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Text.Count == 0)
            yield return new ValidationResult("'text' is empty; name files of plain text, as results on answers need bits per byte to compare with", [nameof(Text)]);
        foreach (ValidationResult fault in EvaluationRules.Of(new EvaluateOptions { Models = Models, To = To }))
            yield return fault;
        if (Compare is not { } compare)
            yield break;
        foreach ((string key, string name) in ((string, string)[])[(nameof(compare.Plain), compare.Plain), (nameof(compare.Edited), compare.Edited), (nameof(compare.Exchanged), compare.Exchanged), (nameof(compare.Random), compare.Random)])
        {
            if (Models.All(m => m.Title != name))
                yield return new ValidationResult($"'compare.{key.ToLowerInvariant()}' names '{name}', which is not one of {string.Join(", ", Models.Select(m => $"'{m.Title}'"))}", [$"{nameof(Compare)}.{key}"]);
        }
    }
}

/// <summary>An edit and its controls, as the names of four of the models.</summary>
internal sealed record ComparedEdit
{
    [Description("The model without an edit.")]
    public required string Plain { get; init; }

    [Description("The model with the edit.")]
    public required string Edited { get; init; }

    [Description("The model with the control whose sides are exchanged.")]
    public required string Exchanged { get; init; }

    [Description("The model with the control of random bases with the edit's ranks.")]
    public required string Random { get; init; }
}
