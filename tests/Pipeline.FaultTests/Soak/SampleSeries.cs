using System.Globalization;

namespace Pipeline.FaultTests.Soak;

/// <summary>Samples of one process, and whether they stay where they are.</summary>
internal sealed class SampleSeries
{
    private readonly List<ProcessSample> _samples = [];

    public int Count => _samples.Count;

    public void Add(ProcessSample? sample)
    {
        if (sample is { } taken)
            _samples.Add(taken);
    }

    /// <summary>
    /// The last third beside the third before it, medians: the first third is start-up. A leak of a few KiB per step or a handle per shard
    /// shows as a difference; the collector's saw teeth do not.
    /// </summary>
    public (ProcessSample Middle, ProcessSample Last) Thirds()
    {
        int third = _samples.Count / 3;
        return (Median(_samples[third..(2 * third)]), Median(_samples[(2 * third)..]));
    }

    public override string ToString()
    {
        if (_samples.Count < 6)
            return $"{_samples.Count} samples, too few to compare";
        (ProcessSample middle, ProcessSample last) = Thirds();
        return string.Create(CultureInfo.InvariantCulture,
            $"{_samples.Count} samples: resident {middle.ResidentMiB:F1} -> {last.ResidentMiB:F1} MiB (x {last.ResidentMiB / middle.ResidentMiB:F3}), handles {middle.Handles} -> {last.Handles}, threads {middle.Threads} -> {last.Threads}");
    }

    private static ProcessSample Median(List<ProcessSample> samples) => new(
        Middle(samples.Select(s => s.ResidentMiB)), (int)Middle(samples.Select(s => (double)s.Handles)), (int)Middle(samples.Select(s => (double)s.Threads)));

    private static double Middle(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
