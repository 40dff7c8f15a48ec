using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Tasks;

/// <summary>The options of the stage <c>read-tasks</c>.</summary>
public sealed record ReadTasksOptions
{
    [Description("The tasks, one after another.")]
    public required IReadOnlyList<NamedTask> Tasks { get; init; }

    [Description("How many questions of each task, starting with the first; 0 takes all.")]
    [Range(0, int.MaxValue)]
    public int MaxQuestions { get; init; }
}

/// <summary>A task file, and what is to be different from what it says.</summary>
public sealed record NamedTask
{
    [Description("A task file, such as pipelines/tasks/gsm8k.json; docs/tasks.md describes the format.")]
    public required string File { get; init; }

    [Description("Files of questions, Parquet or JSON Lines, instead of those that the task names; run:NAME is inside the run folder.")]
    public IReadOnlyList<string> Data { get; init; } = [];

    [Description("A file of answered questions instead of the one that the task names.")]
    public string? Examples { get; init; }

    [Description("Answered questions in front of each prompt. Absent: as many as the task says.")]
    [Range(0, 1000)]
    public int? Shots { get; init; }
}
