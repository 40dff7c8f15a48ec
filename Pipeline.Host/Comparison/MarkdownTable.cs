
namespace Pipeline.Host.Comparison;

/// <summary>Tables as Markdown, for pages that are checked in.</summary>
internal static class MarkdownTable
{
    /// <param name="rows">The first is the header; all have the same number of cells. The first column is words, the others numbers.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
        => [Line(rows[0]), "|---|" + string.Concat(Enumerable.Repeat("--:|", rows[0].Count - 1)), .. rows.Skip(1).Select(Line)];

    private static string Line(IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)))} |";
}
