using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>One model's figure less another's, seed by seed: what both seeds share cancels.</summary>
/// <param name="N">Seeds that have both.</param>
/// <param name="Mean">Over the seeds.</param>
/// <param name="Error">Standard error of the mean; null for one seed.</param>
internal sealed record PairedDifference(int N, double Mean, double? Error)
{
    // Of two differences the error is hardly known.
    private const int FewestSeeds = 3;

    /// <summary>The mean in standard errors; null where these are not known well enough.</summary>
    public double? Ratio => N >= FewestSeeds && Error > 0 ? Mean / Error : null;

    /// <summary>Whether the mean is more than three standard errors from 0.</summary>
    public bool IsClear => Math.Abs(Ratio ?? 0) > 3;

    /// <returns>Null when no seed has both.</returns>
    public static PairedDifference? Of(Repeats? a, Repeats? b)
    {
        if (a is null || b is null)
            return null;
        var differences = Repeats.Of(a.Values.Zip(b.Values, (x, y) => x - y));
        return differences is null ? null : new PairedDifference(differences.N, differences.Mean, differences.StandardDeviation / Math.Sqrt(differences.N));
    }

    /// <param name="factor">Of the figures.</param>
    /// <param name="format">Of the mean and the error.</param>
    /// <param name="isLess">Whether less is better.</param>
    /// <returns>Such as "+3.1 ± 0.4 (7.8)"; bold where the first model is clearly better, in italics where it is clearly worse.</returns>
    public string Text(double factor, string format, bool isLess)
    {
        string Number(double value) => (value * factor).ToString(format, CultureInfo.InvariantCulture);
        string text = (Mean < 0 ? "−" : "+") + Number(Math.Abs(Mean));
        if (Error is { } error)
            text += $" ± {Number(error)}" + (Ratio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $" ({Math.Abs(ratio):0.0})") : "");
        return !IsClear ? text : Mean < 0 == isLess ? $"**{text}**" : $"*{text}*";
    }
}
