namespace Pipeline.Benchmarks.Study;

/// <summary>A table of a page, with what its numbers are.</summary>
/// <param name="Heading">Null on a page of one table.</param>
/// <param name="Rows">The header first.</param>
/// <param name="Notes">Lines below the table.</param>
internal sealed record StudySection(string? Heading, IReadOnlyList<IReadOnlyList<string>> Rows, IReadOnlyList<string> Notes)
{
    public IReadOnlyList<(string File, string Alt)> Pictures { get; init; } = [];
}
