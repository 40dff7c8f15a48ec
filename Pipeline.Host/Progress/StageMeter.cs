using System.Collections.Concurrent;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Progress;

/// <summary>The counts of one stage in one graph. The graph and the stage write them from any thread, and the progress display reads them.</summary>
internal sealed class StageMeter(string flow, string stage, IScalarLog scalars, Action<string> say) : IStageMeter
{
    private readonly ConcurrentDictionary<string, Counter> _counts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Counter> _rejectedBy = new(StringComparer.Ordinal);
    private readonly Counter _in = new();
    private readonly Counter _out = new();
    private readonly Counter _passed = new();
    private readonly Counter _rejected = new();
    private readonly Counter _failed = new();
    private long _unread;
    private StageProgress _progress = StageProgress.Unknown;

    public string Flow { get; } = flow;

    public string Stage { get; } = stage;

    /// <summary>How full the queue after the stage is, from 0 to 1. Null for a sink.</summary>
    public Func<double>? QueueFill { get; set; }

    /// <summary>What the stage said last about its progress.</summary>
    public StageProgress LatestProgress => Volatile.Read(ref _progress);

    /// <summary>The latest value of every scalar, for the progress display.</summary>
    public ConcurrentDictionary<string, double> LatestScalars { get; } = new(StringComparer.Ordinal);

    public void Count(string name, long amount) => _counts.GetOrAdd(name, static _ => new Counter()).Add(amount);

    public void Scalar(string name, long step, double value)
    {
        LatestScalars[name] = value;
        scalars.Write(Flow, Stage, name, step, value);
    }

    public void Progress(long done, long total)
    {
        StageProgress before = Volatile.Read(ref _progress);
        Volatile.Write(ref _progress, new StageProgress(done, total, before.Total > 0 ? before.First : done));
    }

    public void Say(string message) => say(message);

    /// <summary>The stage took a record from the queue before it.</summary>
    public void Took() => _in.Add(1);

    /// <summary>A record that the stage produced is in the queue after it.</summary>
    public void HandedOver() => _out.Add(1);

    /// <summary>A map has produced all that a record becomes. Only maps call it.</summary>
    public void Passed() => _passed.Add(1);

    public void Rejected(string reason)
    {
        _rejected.Add(1);
        _rejectedBy.GetOrAdd(reason, static _ => new Counter()).Add(1);
    }

    public void Failed() => _failed.Add(1);

    public void LeftUnread(long records) => Volatile.Write(ref _unread, records);

    /// <summary>
    /// The counts so far. In a stage that is not a map, what goes in and is not rejected has passed, because the stage itself decides what becomes of it.
    /// What a source has read is what it produced plus what it rejected.
    /// </summary>
    public StageCounts Snapshot(StageRole role)
    {
        (long taken, long handedOver, long rejected) = (_in.Value, _out.Value, _rejected.Value);
        long read = role == StageRole.Source ? handedOver + rejected : taken;
        return new StageCounts
        {
            Stage = Stage,
            In = read,
            Passed = role == StageRole.Map ? _passed.Value : read - rejected,
            Rejected = rejected,
            Out = handedOver,
            Failed = _failed.Value,
            Unread = Volatile.Read(ref _unread),
            RejectedBy = Values(_rejectedBy),
            Counts = Values(_counts),
        };
    }

    private static SortedDictionary<string, long> Values(ConcurrentDictionary<string, Counter> counters)
    {
        var values = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach ((string name, Counter counter) in counters)
            values[name] = counter.Value;
        return values;
    }

    private sealed class Counter
    {
        private long _value;

        public long Value => Interlocked.Read(ref _value);

        public void Add(long amount) => Interlocked.Add(ref _value, amount);
    }
}

/// <summary>How far a stage is, and how far it was when it began. A stage that resumes begins in the middle.</summary>
/// <param name="Done">How much is done, in the stage's own unit, such as steps or rows.</param>
/// <param name="Total">How much there is to do. 0 if that is not known.</param>
/// <param name="First">The first value of <paramref name="Done"/> that the stage reported.</param>
internal sealed record StageProgress(long Done, long Total, long First)
{
    public static StageProgress Unknown { get; } = new(0, 0, 0);
}

/// <summary>Keeps values of a training, such as losses, by step.</summary>
internal interface IScalarLog
{
    void Write(string flow, string stage, string name, long step, double value);
}
