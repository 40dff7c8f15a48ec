using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>A model's figure minus another model's, seed by seed, so that what a seed does to both models cancels.</summary>
/// <param name="N">How many seeds have both models.</param>
/// <param name="Mean">The mean difference over the seeds.</param>
/// <param name="Error">The standard error of the mean; null for a single seed.</param>
internal sealed record PairedDifference(int N, double Mean, double? Error)
{
    // The standard error of only two differences is hardly known.
    private const int FewestSeeds = 3;

    /// <summary>The mean divided by its standard error; null where the error is not known well enough.</summary>
    public double? Ratio => N >= FewestSeeds && Error > 0 ? Mean / Error : null;

    /// <summary>Whether the mean is more than three standard errors from 0.</summary>
    public bool IsClear => Math.Abs(Ratio ?? 0) > 3;

    /// <summary>The difference of two models' figures.</summary>
    /// <returns>The difference; null where no seed has both models.</returns>
    public static PairedDifference? Of(Repeats? a, Repeats? b)
    {
        if (a is null || b is null)
            return null;
        var differences = Repeats.Of(a.Values.Zip(b.Values, (x, y) => x - y));
        return differences is null ? null : new PairedDifference(differences.N, differences.Mean, differences.StandardDeviation / Math.Sqrt(differences.N));
    }

    /// <summary>The difference as a cell of a table.</summary>
    /// <param name="factor">What the numbers are multiplied by.</param>
    /// <param name="format">The format of the mean and of the error.</param>
    /// <param name="isLess">Whether a smaller figure is better.</param>
    /// <returns>For example "+3.1 ± 0.4 (7.8)". Bold where the first model is clearly better, in italics where it is clearly worse.</returns>
    public string Text(double factor, string format, bool isLess)
    {
        string Number(double value) => (value * factor).ToString(format, CultureInfo.InvariantCulture);
        string text = (Mean < 0 ? "−" : "+") + Number(Math.Abs(Mean));
        if (Error is { } error)
            text += $" ± {Number(error)}" + (Ratio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $" ({Math.Abs(ratio):0.0})") : "");
        return !IsClear ? text : Mean < 0 == isLess ? $"**{text}**" : $"*{text}*";
    }
}
