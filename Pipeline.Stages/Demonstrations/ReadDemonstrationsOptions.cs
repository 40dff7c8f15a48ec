using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Demonstrations;

/// <summary>The options of the stage <c>read-demonstrations</c>.</summary>
internal sealed record ReadDemonstrationsOptions
{
    [Description("Files of demonstrations: Parquet, or JSON Lines (.jsonl, also .gz and .zst), all of one kind, read in this order. * and ? stand for characters of a name, ** for folders. run:NAME is inside the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("The column of prompts.")]
    public string Prompt { get; init; } = "prompt";

    [Description("Instead of prompt: a column of conversations, which the chat template ends where an answer of the assistant begins.")]
    public string? Messages { get; init; }

    [Description("The column of what should follow the prompt.")]
    public string Positive { get; init; } = "positive";

    [Description("The column of what should not follow the prompt.")]
    public string Negative { get; init; } = "negative";

    [Description("The column of what the model says by itself, for fit-sea with base column. Absent: the model is asked.")]
    public string? Base { get; init; }

    [Description("Rows to skip at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Rows to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }

    [Description("A demonstration with a longer text in one of its columns is rejected and counted.")]
    [Range(1, 1 << 28)]
    public int MaxDocumentBytes { get; init; } = 1 << 20;
}
