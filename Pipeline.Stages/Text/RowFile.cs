using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>A row as a JSON object, or the reason why it is rejected.</summary>
/// <param name="Row">Its number in the file, counted from 0. In JSON Lines, this is its line.</param>
/// <param name="Value">The object. Undefined if the row is rejected.</param>
/// <param name="Reject">Why the row is rejected, or null.</param>
/// <param name="Detail">What to add to the reason in a message.</param>
internal readonly record struct RowObject(long Row, JsonElement Value, string? Reject = null, string Detail = "");

/// <summary>
/// Reads the rows of a file as JSON objects, for callers that need several fields of each row. The file is Parquet, or JSON Lines (also .gz and .zst).
/// </summary>
internal static class RowFile
{
    private const int MaxLineBytes = 64 << 20;
    private const int LinesLookedAt = 100;

    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 64 };

    public static bool IsParquet(string path) => path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase);

    /// <summary>The names of the top-level fields: with Parquet those of the schema, with JSON Lines those of the first lines.</summary>
    /// <exception cref="InputException">The file is neither.</exception>
    public static IReadOnlyList<string> Columns(IStorage storage, string path)
    {
        if (IsParquet(path))
        {
            using ColumnFileReader reader = ColumnFileReader.Open(storage, path);
            return reader.File.ColumnNames;
        }
        RowObject[] rows = [.. Lines(storage, path).Take(LinesLookedAt)];
        if (rows.FirstOrDefault(r => r.Reject is null).Value is { ValueKind: JsonValueKind.Object })
            return [.. rows.Where(r => r.Reject is null).SelectMany(r => r.Value.EnumerateObject()).Select(p => p.Name).Distinct()];
        throw new InputException(rows.Length == 0
            ? $"{path}: all lines are blank; expected a JSON object on each"
            : $"{path}: none of its first {rows.Length} lines is a JSON object: line {rows[0].Row + 1}: {rows[0].Reject}{rows[0].Detail}; expected JSON Lines, or a name that ends with .parquet");
    }

    /// <summary>The rows in their order. Blank lines are skipped.</summary>
    /// <param name="storage">The file system.</param>
    /// <param name="path">The full path.</param>
    /// <param name="columns">The columns that are read from Parquet. From JSON Lines all are.</param>
    /// <exception cref="InputException">A column is missing or cannot be read, or the file is damaged.</exception>
    public static IEnumerable<RowObject> Read(IStorage storage, string path, IReadOnlyCollection<string> columns)
        => IsParquet(path) ? RowColumns.Read(storage, path, columns) : Lines(storage, path);

    private static IEnumerable<RowObject> Lines(IStorage storage, string path)
    {
        using Stream stream = storage.OpenRead(path);
        using Stream text = LineCompression.Open(path, stream);
        var lines = new LineReader(text, path, MaxLineBytes);
        for (long row = 0; lines.Next(); row++)
        {
            if (lines.IsTooLong)
                yield return new RowObject(row, default, TextRejects.LineTooLong, $" ({MaxLineBytes})");
            else if (lines.Line.Span.ContainsAnyExcept(" \t\r\n"u8))
                yield return Parse(row, JsonLine.WithoutMark(lines.Line.Span, row).ToArray());
        }
    }

    private static RowObject Parse(long row, ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Deep);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new RowObject(row, document.RootElement.Clone())
                : new RowObject(row, default, TextRejects.NotAnObject);
        }
        catch (JsonException e)
        {
            return new RowObject(row, default, TextRejects.NotJson, $": {e.Message}");
        }
    }
}
