namespace Pipeline.Host.Commands;

/// <summary>Writes tables as lines of plain text, which look the same in a terminal and in a pipe.</summary>
internal static class TextTable
{
    // A long list of names in a cell must not push the next column off the screen. Commands with such lists can write all of them as JSON.
    private const int WidestCell = 72;

    /// <summary>Writes a table with a title above it and an empty line after it.</summary>
    /// <param name="output">Gets the lines.</param>
    /// <param name="title">The title. If the table has only a header, "none" is written after it.</param>
    /// <param name="rows">The rows, of which the first is the header. All have the same number of cells.</param>
    public static void Write(TextWriter output, string title, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        output.WriteLine(rows.Count > 1 ? title : title + ": none");
        foreach (string line in rows.Count > 1 ? Lines(rows) : [])
            output.WriteLine("  " + line);
        output.WriteLine();
    }

    /// <summary>The lines of a table, with aligned columns. Long cells are cut, except in the last column.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        List<string[]> cells = [.. rows.Select(r => r.Select((cell, column) => column == r.Count - 1 ? cell : Clip(cell)).ToArray())];
        int[] widths = [.. rows[0].Select((_, column) => cells.Max(r => r[column].Length))];
        return cells.Select(r => string.Join("  ", r.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string Clip(string cell) => cell.Length <= WidestCell ? cell : cell[..(WidestCell - 3)] + "...";
}
