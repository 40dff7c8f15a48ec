namespace Pipeline.Host.Progress;

/// <summary>What a stage did with its records, and the counts it kept itself. In = Passed + Rejected at the end of every graph.</summary>
internal sealed record StageCounts
{
    public required string Stage { get; init; }

    public long In { get; init; }

    public long Passed { get; init; }

    public long Rejected { get; init; }

    public long Out { get; init; }

    /// <summary>Of the rejected: those on which the stage failed.</summary>
    public long Failed { get; init; }

    /// <summary>Records from the stage before that this one left unread because it had all it wanted.</summary>
    public long Unread { get; init; }

    public IReadOnlyDictionary<string, long> RejectedBy { get; init; } = new Dictionary<string, long>();

    public IReadOnlyDictionary<string, long> Counts { get; init; } = new Dictionary<string, long>();

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
