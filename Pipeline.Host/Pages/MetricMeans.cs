namespace Pipeline.Host.Pages;

/// <summary>A value over any number of steps, in a limited number of points: when all are used, neighbours are joined, and each point then covers twice as many steps.</summary>
internal sealed class MetricMeans
{
    /// <summary>The most points that are kept: enough for a chart to average equal numbers of them.</summary>
    public const int Most = 2400;

    private readonly List<Mean> _means = [];

    /// <summary>Steps of a point; the last one may have fewer.</summary>
    public int Each { get; private set; } = 1;

    /// <summary>The value of the step that came last.</summary>
    public double Last { get; private set; } = double.NaN;

    /// <summary>The last step of each point and the mean of its finite values, NaN where it has none.</summary>
    public IReadOnlyList<(long Step, double Value)> Points => [.. _means.Select(m => (m.Last, m.Sum / m.Finite))];

    /// <summary>Adds a step's value. Steps ascend, but for those that come again after a resume.</summary>
    public void Add(long step, double value)
    {
        Last = value;
        // A resume: what was after it did not happen.
        while (_means.Count > 0 && _means[^1].First >= step)
            _means.RemoveAt(_means.Count - 1);
        var one = new Mean(step, step, 1, double.IsFinite(value) ? 1 : 0, double.IsFinite(value) ? value : 0);
        if (_means.Count == 0 || (_means[^1].Steps >= Each && _means[^1].Last < step))
            _means.Add(one);
        else if (_means[^1].Last < step)
            _means[^1] = _means[^1].And(one);
        if (_means.Count <= Most)
            return;
        Each *= 2;
        Mean[] halves = [.. _means.Chunk(2).Select(pair => pair.Length == 1 ? pair[0] : pair[0].And(pair[1]))];
        _means.Clear();
        _means.AddRange(halves);
    }

    private readonly record struct Mean(long First, long Last, int Steps, int Finite, double Sum)
    {
        public Mean And(Mean next) => new(First, next.Last, Steps + next.Steps, Finite + next.Finite, Sum + next.Sum);
    }
}
