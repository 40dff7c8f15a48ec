namespace Pipeline.Benchmarks.Study;

/// <summary>A section of a page: a table, and notes that explain it.</summary>
/// <param name="Heading">The heading; null on a page with a single table.</param>
/// <param name="Rows">The rows of the table, the header first.</param>
/// <param name="Notes">The lines below the table.</param>
internal sealed record StudySection(string? Heading, IReadOnlyList<IReadOnlyList<string>> Rows, IReadOnlyList<string> Notes)
{
    public IReadOnlyList<(string File, string Alt)> Pictures { get; init; } = [];
}
