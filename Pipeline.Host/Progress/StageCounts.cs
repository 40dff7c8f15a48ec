namespace Pipeline.Host.Progress;

/// <summary>
/// What a stage did with its records, and the counts that it kept itself. At the end of a graph In = Passed + Rejected, unless a later stage ended early.
/// </summary>
internal sealed record StageCounts
{
    public required string Stage { get; init; }

    /// <summary>How many records the stage took; for a source, how many it read.</summary>
    public long In { get; init; }

    /// <summary>How many of them were not rejected.</summary>
    public long Passed { get; init; }

    public long Rejected { get; init; }

    /// <summary>How many records the stage produced. A record that passes a map may become several, or none.</summary>
    public long Out { get; init; }

    /// <summary>How many of the rejected records are there because the stage failed on them.</summary>
    public long Failed { get; init; }

    /// <summary>How many records of the stage before this one left unread, because it needed no more.</summary>
    public long Unread { get; init; }

    /// <summary>How many records were rejected, by reason.</summary>
    public IReadOnlyDictionary<string, long> RejectedBy { get; init; } = new Dictionary<string, long>();

    /// <summary>The counts that the stage kept itself, by name.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new Dictionary<string, long>();

    /// <summary>The sums with the counts of the same stage in another part.</summary>
    public StageCounts Plus(StageCounts other) => this with
    {
        In = In + other.In,
        Passed = Passed + other.Passed,
        Rejected = Rejected + other.Rejected,
        Out = Out + other.Out,
        Failed = Failed + other.Failed,
        Unread = Unread + other.Unread,
        RejectedBy = Sum(RejectedBy, other.RejectedBy),
        Counts = Sum(Counts, other.Counts),
    };

    private static SortedDictionary<string, long> Sum(IReadOnlyDictionary<string, long> a, IReadOnlyDictionary<string, long> b)
    {
        var sum = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach ((string name, long amount) in a.Concat(b))
            sum[name] = sum.GetValueOrDefault(name) + amount;
        return sum;
    }
}
