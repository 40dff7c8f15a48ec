using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Imports;

/// <summary>A row as it was read, or the reason why it cannot be used.</summary>
internal readonly record struct ReadRow(DocumentId Id, ScoredRow? Scores, RejectedException? Reject);

/// <summary>Reads rows of scores from a file, JSON Lines or Parquet.</summary>
internal static class ScoredFile
{
    /// <summary>A reason with its details, if it has any.</summary>
    public static string Say(RejectedException reject) => reject.Message.Length == 0 ? reject.Reason : $"{reject.Reason}: {reject.Message}";

    /// <summary>Passes on a row of another reader, or throws its reason, from whose details it removes the leading colon or space.</summary>
    /// <exception cref="RejectedException">The row was rejected by that reader.</exception>
    public static RowText Accepted(RowText row, DocumentId id)
        => row.Reject is { } reason ? throw new RejectedException(id, reason, row.Detail.TrimStart(':', ' ')) : row;

    /// <summary>The rows of a range, in order. A row that cannot be used comes with the reason.</summary>
    /// <exception cref="InputException">The file is damaged, or changed while it was read.</exception>
    public static IEnumerable<ReadRow> Read(IStorage storage, FileRange range, ImportScoresOptions options)
    {
        if (options.IsParquet)
            return Columns(storage, range, options);
        return RangeReading.Lines(storage, range, options.MaxLineBytes).Select(l => Line(l.Reader, new DocumentId(range.File.Hash, l.Line, 0), options));
    }

    /// <summary>Refuses a file that cannot be meant: Parquet that lacks a column, or JSON Lines of which no line can be used.</summary>
    /// <exception cref="InputException">The message says which column is missing, or what is wrong with the first line.</exception>
    public static void Require(IStorage storage, string path, ImportScoresOptions options)
    {
        if (options.IsParquet)
        {
            using ColumnFileReader reader = ColumnFileReader.Open(storage, path);
            _ = new ScoredColumns(reader, options);
            return;
        }
        using Stream stream = storage.OpenRead(path);
        using Stream text = LineCompression.Open(path, stream);
        var lines = new LineReader(text, path, options.MaxLineBytes);
        (long Line, RejectedException Reject)? first = null;
        for (long line = 0; lines.Next(); line++)
        {
            if (Line(lines, new DocumentId(0, line, 0), options).Reject is not { } reject)
                return;
            if (reject.Reason != TextRejects.Blank)
                first ??= (line, reject);
        }
        if (first is { } bad)
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{path}: no line can be used; line {bad.Line + 1}: {Say(bad.Reject)}"));
    }

    private static IEnumerable<ReadRow> Columns(IStorage storage, FileRange range, ImportScoresOptions options)
    {
        using ColumnFileReader reader = ColumnFileReader.Open(storage, range.File.Path);
        var columns = new ScoredColumns(reader, options);
        foreach ((int group, long before, long first, long end) in RangeReading.Groups(reader, range))
        {
            using IEnumerator<ReadRow> rows = columns.Read(reader, group, first, end, new DocumentId(range.File.Hash, before, 0)).GetEnumerator();
            while (RangeReading.Next(rows, reader, group, "scores"))
                yield return rows.Current;
        }
    }

    private static ReadRow Line(LineReader lines, DocumentId id, ImportScoresOptions options)
    {
        try
        {
            if (lines.IsTooLong)
                throw new RejectedException(id, TextRejects.LineTooLong, string.Create(CultureInfo.InvariantCulture, $"it has more than {options.MaxLineBytes} bytes"));
            ReadOnlyMemory<byte> line = lines.Line;
            line = line[(line.Length - JsonLine.WithoutMark(line.Span, id.Row).Length)..];
            return line.Span.ContainsAnyExcept(" \t\r\n"u8)
                ? new ReadRow(id, ScoredLine.Read(line, id, options), null)
                : throw new RejectedException(id, TextRejects.Blank, "");
        }
        catch (RejectedException e)
        {
            return new ReadRow(id, null, e);
        }
    }
}
