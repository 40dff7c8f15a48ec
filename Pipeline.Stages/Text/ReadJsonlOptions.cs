using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Text;

/// <summary>Options of <c>read-jsonl</c>.</summary>
public sealed record ReadJsonlOptions
{
    [Description("JSON Lines files, plain, .gz or .zst, read in this order. * and ? stand for characters of a name, ** for folders; files that match are read in ordinal order. run:NAME is inside the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("The field of the text.")]
    public string Field { get; init; } = "text";

    [Description("Instead of field: a field of conversations, a list of objects with role and content.")]
    public string? Messages { get; init; }

    [Description("Lines to skip at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Lines to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }

    [Description("A longer document is rejected and counted.")]
    [Range(1, 1 << 28)]
    public int MaxDocumentBytes { get; init; } = 16 << 20;

    [Description("A longer line is rejected and counted, without being read into memory.")]
    [Range(2, 1 << 29)]
    public int MaxLineBytes { get; init; } = 64 << 20;
}
