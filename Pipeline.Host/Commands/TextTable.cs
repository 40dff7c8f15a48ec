namespace Pipeline.Host.Commands;

/// <summary>Tables as lines of plain text, which look the same in a pipe and in a terminal.</summary>
internal static class TextTable
{
    // A list of names in one cell must not push the next column off the screen; the JSON has all of it.
    private const int WidestCell = 72;

    /// <param name="output">Gets the lines, and an empty one after them.</param>
    /// <param name="title">Above the table.</param>
    /// <param name="rows">The first is the header; all have the same number of cells.</param>
    public static void Write(TextWriter output, string title, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        output.WriteLine(rows.Count > 1 ? title : title + ": none");
        foreach (string line in rows.Count > 1 ? Lines(rows) : [])
            output.WriteLine("  " + line);
        output.WriteLine();
    }

    public static IEnumerable<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        List<string[]> cells = [.. rows.Select(r => r.Select((cell, column) => column == r.Count - 1 ? cell : Clip(cell)).ToArray())];
        int[] widths = [.. rows[0].Select((_, column) => cells.Max(r => r[column].Length))];
        return cells.Select(r => string.Join("  ", r.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string Clip(string cell) => cell.Length <= WidestCell ? cell : cell[..(WidestCell - 3)] + "...";
}
