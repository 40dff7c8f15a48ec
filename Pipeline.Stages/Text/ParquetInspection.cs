using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>What the footer of a Parquet file says.</summary>
public sealed record ParquetInspection(long Rows, int RowGroups, IReadOnlyList<string> Columns)
{
    /// <summary>Reads the footer of a file.</summary>
    /// <exception cref="Contracts.Errors.InputException">The file is not Parquet, or is damaged.</exception>
    public static ParquetInspection Of(IStorage storage, string path)
    {
        using ColumnFileReader reader = ColumnFileReader.Open(storage, path);
        return new ParquetInspection(reader.File.Rows, reader.File.RowGroups.Count, [.. reader.File.Leaves.Select(l => l.ToString())]);
    }
}
