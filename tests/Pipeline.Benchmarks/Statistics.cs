namespace Pipeline.Benchmarks;

/// <summary>The statistics that benchmarks report.</summary>
internal static class Statistics
{
    /// <summary>The middle value, or the mean of the middle two where their number is even. NaN where there are none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int half = sorted.Length / 2;
        return sorted.Length == 0 ? double.NaN : sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
