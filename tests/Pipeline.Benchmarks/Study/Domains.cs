using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>Parts of the study's reports by what transfer saw of their domain.</summary>
internal static class Domains
{
    /// <summary>The domain of the transfer text.</summary>
    public static PartMean Seen { get; } = new("seen", ["maths", "articles"]);

    /// <summary>Domains that the teacher learnt and the transfer text does not show.</summary>
    public static PartMean Unseen { get; } = new("unseen", ["plays"]);

    public static PartMean All { get; } = new("all", ["maths", "plays", "articles"]);

    public static string Title(PartMean domain)
        => domain == Seen ? $"Seen in transfer: {Parts(domain)}" : domain == Unseen ? $"Not seen in transfer: {Parts(domain)}" : $"All: {Parts(domain)}";

    private static string Parts(PartMean domain) => string.Join(" and ", domain.Of);
}
