using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Text;

/// <summary>Options of <c>write-parquet</c>.</summary>
internal sealed record WriteParquetOptions
{
    [Description("The file to write, inside the run folder.")]
    public required string To { get; init; }

    [Description("The column of the text.")]
    public string Column { get; init; } = "text";

    [Description("Rows per row group; a group also ends at 64 MiB of text.")]
    [Range(1, 1 << 20)]
    public int RowGroupRows { get; init; } = 10_000;
}
