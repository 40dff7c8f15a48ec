using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>Reads the rows of a file that a graph wants. Where the format allows it, the rows before them are not read.</summary>
internal static class RangeReading
{
    /// <summary>The lines of a range, by their numbers from 0. The reader is at each of them in turn.</summary>
    /// <exception cref="InputException">The file has fewer lines than were counted.</exception>
    public static IEnumerable<(long Line, LineReader Reader)> Lines(IStorage storage, FileRange range, int maxLineBytes)
    {
        InputFile file = range.File;
        using Stream stream = storage.OpenRead(file.Path);
        long line = 0;
        if (file.Lines.Count > 0)
        {
            int step = (int)(range.First / InputCatalog.LineStep);
            stream.Position = file.Lines[step];
            line = (long)step * InputCatalog.LineStep;
        }
        using Stream text = LineCompression.Open(file.Path, stream);
        var lines = new LineReader(text, file.Path, maxLineBytes);
        for (; line < range.End; line++)
        {
            if (!lines.Next())
                throw new InputException($"{file.Path} changed while it was read: it has {line} lines, {file.Rows} were counted");
            if (line >= range.First)
                yield return (line, lines);
        }
    }

    /// <summary>
    /// The row groups of a range. Before is the number of the file's rows before the group, and [First, End) are those of the group's rows that are in the
    /// range.
    /// </summary>
    public static IEnumerable<(int Group, long Before, long First, long End)> Groups(ColumnFileReader reader, FileRange range)
    {
        long before = 0;
        for (int group = 0; group < reader.File.RowGroups.Count && before < range.End; group++)
        {
            long rows = reader.File.RowGroups[group].Rows;
            long first = Math.Max(range.First - before, 0), end = Math.Min(range.End - before, rows);
            if (first < end)
                yield return (group, before, first, end);
            before += rows;
        }
    }

    /// <summary>Goes to the next row of a group. False after the last one.</summary>
    /// <exception cref="InputException">The group is damaged. The message names the file, the group and the column.</exception>
    public static bool Next<T>(IEnumerator<T> rows, ColumnFileReader reader, int group, string column)
    {
        try
        {
            return rows.MoveNext();
        }
        catch (Exception e) when (e is ColumnFormatException or EndOfStreamException)
        {
            throw reader.Damage(group, column, e);
        }
    }
}
