using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Choices;

/// <summary>The options of the stage <c>read-choices</c>.</summary>
internal sealed record ReadChoicesOptions
{
    [Description("Files of questions, read in this order; run:NAME is inside the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("Their layout: truthful-qa, bbq, or plain.")]
    public required ChoiceFormat Format { get; init; }

    [Description("A file of text that is put in front of every prompt, such as six answered questions. Absent: nothing.")]
    public string? Examples { get; init; }

    [Description("For bbq: the prompt, with {context} and {question} in it.")]
    public string Template { get; init; } = "{context}\nQ: {question}\nA:";

    [Description("For bbq: the CSV that comes with the original data and says which answer is the target of the bias (columns category, example_id, target_loc). Absent: the groups that each question names decide.")]
    public string? Targets { get; init; }

    [Description("Questions to skip at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Questions to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }
}
