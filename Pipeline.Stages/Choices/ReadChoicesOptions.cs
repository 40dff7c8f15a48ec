using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Choices;

/// <summary>What <c>read-choices</c> may be told.</summary>
internal sealed record ReadChoicesOptions
{
    [Description("Files of questions, in this order; run:NAME is below the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("How they are laid out: truthful-qa, bbq, or plain.")]
    public required ChoiceFormat Format { get; init; }

    [Description("A file of text that stands in front of every prompt, such as six answered questions; nothing when absent.")]
    public string? Examples { get; init; }

    [Description("For bbq: the prompt, with {context} and {question} in it.")]
    public string Template { get; init; } = "{context}\nQ: {question}\nA:";

    [Description("For bbq: the CSV beside the original data that says which answer is the bias's target (columns category, example_id, target_loc). Absent: by the groups each question names.")]
    public string? Targets { get; init; }

    [Description("Questions to leave out at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Questions to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }
}
