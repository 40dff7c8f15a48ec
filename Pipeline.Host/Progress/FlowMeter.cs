using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Progress;

/// <summary>The counts of a flow for the progress display: those of the graph that is running, and the sums over parts that are done.</summary>
/// <param name="flow">The name of the flow.</param>
/// <param name="stages">The names of its stages, in order.</param>
/// <param name="roles">The role of each stage.</param>
/// <param name="startTimestamp">When the flow began, as a timestamp of the time provider.</param>
internal sealed class FlowMeter(string flow, IReadOnlyList<string> stages, IReadOnlyList<StageRole> roles, long startTimestamp)
{
    private readonly Lock _lock = new();
    private IReadOnlyList<StageMeter> _current = [];
    private IReadOnlyList<StageCounts>? _done;

    public string Flow { get; } = flow;

    public IReadOnlyList<string> Stages { get; } = stages;

    public long StartTimestamp { get; } = startTimestamp;

    public int PartitionCount { get; set; }

    public int PartitionsDone { get; set; }

    /// <summary>The meters of the graph that is running, one for each stage. Empty if none is running.</summary>
    public IReadOnlyList<StageMeter> Current
    {
        get
        {
            lock (_lock)
                return _current;
        }
    }

    /// <summary>A graph begins.</summary>
    public void Begin(IReadOnlyList<StageMeter> meters)
    {
        lock (_lock)
            _current = meters;
    }

    /// <summary>The graph is done. Its counts are added to those of earlier parts.</summary>
    public void End(IReadOnlyList<StageCounts> counts)
    {
        lock (_lock)
        {
            _done = _done is null ? counts : _done.Zip(counts, (a, b) => a.Plus(b)).ToList();
            _current = [];
        }
    }

    /// <summary>How far the graph is that is running.</summary>
    public LiveCounts Live(TimeSpan elapsed)
    {
        IReadOnlyList<StageMeter> current = Current;
        StageCounts[] counts = [.. current.Select((m, i) => m.Snapshot(roles[i]))];
        StageProgress progress = current.Select(m => m.LatestProgress).LastOrDefault(p => p.Total > 0) ?? StageProgress.Unknown;
        return new LiveCounts(
            elapsed.TotalSeconds, counts.Length > 0 ? counts[0].In : 0, counts.Select(c => c.Counts.GetValueOrDefault(Rates.TokenCount)).LastOrDefault(n => n > 0),
            progress.First, progress.Done, progress.Total);
    }

    /// <summary>The counts of each stage so far, over all parts.</summary>
    public IReadOnlyList<StageCounts> Snapshot()
    {
        lock (_lock)
        {
            return Stages.Select((name, i) =>
            {
                StageCounts sum = _done?[i] ?? new StageCounts { Stage = name };
                return i < _current.Count ? sum.Plus(_current[i].Snapshot(roles[i])) : sum;
            }).ToList();
        }
    }
}
