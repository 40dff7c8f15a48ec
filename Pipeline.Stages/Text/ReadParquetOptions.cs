using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Text;

/// <summary>Options of <c>read-parquet</c>.</summary>
public sealed record ReadParquetOptions
{
    [Description("Parquet files, read in this order. * and ? stand for characters of a name, ** for folders; files that match are read in ordinal order. run:NAME is inside the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("The column of the text. A dot leads into a struct.")]
    public string Column { get; init; } = "text";

    [Description("Instead of column: a column of conversations, list<struct<role, content>>.")]
    public string? Messages { get; init; }

    [Description("Rows to skip at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Rows to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }

    [Description("A longer document is rejected and counted.")]
    [Range(1, 1 << 28)]
    public int MaxDocumentBytes { get; init; } = 16 << 20;
}
