using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>The domains of text on which models are judged, in two groups: those that the student saw in transfer, and those that it did not see.</summary>
/// <param name="Seen">The domains of the transfer text.</param>
/// <param name="Unseen">The domains that the teacher learned but the transfer text does not have; null where it has all.</param>
internal sealed record Domains(PartMean Seen, PartMean? Unseen)
{
    /// <summary>The domains of the study's first part, and of transfer on little text.</summary>
    public static Domains MathsAndArticles { get; } = new(new PartMean("seen", ["maths", "articles"]), new PartMean("unseen", ["plays"]));

    public static Domains Maths { get; } = new(new PartMean("seen", ["maths"]), new PartMean("unseen", ["plays", "articles"]));

    public static Domains Own { get; } = new(new PartMean("seen", ["maths", "plays", "articles"]), null);

    public static PartMean All { get; } = new("all", ["maths", "plays", "articles"]);

    public IReadOnlyList<PartMean> Each { get; } = Unseen is null ? [Seen] : [Seen, Unseen];

    public string Title(PartMean domain)
        => domain == Seen ? $"Seen in transfer: {Parts(domain)}" : domain == Unseen ? $"Not seen in transfer: {Parts(domain)}" : $"All: {Parts(domain)}";

    private static string Parts(PartMean domain) => domain.Of.Count == 1 ? domain.Of[0] : $"{string.Join(", ", domain.Of.SkipLast(1))} and {domain.Of[^1]}";
}
