namespace Pipeline.Host.Commands;

/// <summary>Tables as lines of plain text, which a pipe and a terminal show alike.</summary>
internal static class TextTable
{
    /// <param name="output">Gets the lines, and an empty one after them.</param>
    /// <param name="title">Above the table.</param>
    /// <param name="rows">The first is the header; all have the same number of cells.</param>
    public static void Write(TextWriter output, string title, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        output.WriteLine(title);
        foreach (string line in Lines(rows))
            output.WriteLine("  " + line);
        output.WriteLine();
    }

    public static IEnumerable<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(r => r[column].Length))];
        return rows.Select(r => string.Join("  ", r.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
