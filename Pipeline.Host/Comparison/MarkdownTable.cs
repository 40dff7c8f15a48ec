
namespace Pipeline.Host.Comparison;

/// <summary>Writes tables as Markdown.</summary>
internal static class MarkdownTable
{
    /// <summary>The lines of a table, whose first column is aligned to the left and the others, which are numbers, to the right.</summary>
    /// <param name="rows">The rows, of which the first is the header. All have the same number of cells.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
        => [Line(rows[0]), "|---|" + string.Concat(Enumerable.Repeat("--:|", rows[0].Count - 1)), .. rows.Skip(1).Select(Line)];

    private static string Line(IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)))} |";
}
