namespace Pipeline.Host.Pages;

/// <summary>
/// A value over any number of steps, kept as a limited number of points. When all points are used, each two neighbours are joined, so that a point is then
/// the mean of twice as many steps.
/// </summary>
internal sealed class MetricMeans
{
    /// <summary>The most points that are kept. It is several times what a chart shows, so that the chart can average equal numbers of them.</summary>
    public const int Most = 2400;

    private readonly List<Mean> _means = [];

    /// <summary>How many steps a point stands for. The last point may stand for fewer.</summary>
    public int Each { get; private set; } = 1;

    /// <summary>The value that was added last. NaN if there is none.</summary>
    public double Last { get; private set; } = double.NaN;

    /// <summary>The last step of each point, and the mean of its finite values, or NaN if it has none.</summary>
    public IReadOnlyList<(long Step, double Value)> Points => [.. _means.Select(m => (m.Last, m.Sum / m.Finite))];

    /// <summary>Adds the value of a step. Steps must ascend, except that a resume goes back to an earlier step.</summary>
    public void Add(long step, double value)
    {
        Last = value;
        // After a resume, what was logged from this step on is no longer valid.
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
