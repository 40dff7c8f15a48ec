using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Tasks;

/// <summary>Estimates how certain a figure is from random samples of the questions (bootstrap, Efron 1979). The samples depend only on the seed.</summary>
internal static class Resampling
{
    private const double Outside = 0.025;

    /// <summary>The questions of one sample: as many as there are questions, drawn with replacement.</summary>
    /// <param name="questions">How many questions there are.</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="sample">Which sample it is. A sample with a given number is the same for all models and figures.</param>
    public static int[] Sample(int questions, int seed, int sample)
    {
        var random = new CounterRandom(CounterRandom.Key(seed, questions, sample));
        var drawn = new int[questions];
        for (int i = 0; i < questions; i++)
            drawn[i] = random.Below(questions);
        return drawn;
    }

    /// <summary>The interval that holds 95 % of the samples, and their standard deviation. Null where no sample has a value.</summary>
    /// <param name="samples">The figure on each sample. Those that are not finite are left out.</param>
    public static (double Low, double High, double Deviation)? Spread(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Where(double.IsFinite).Order()];
        if (sorted.Length == 0)
            return null;
        double mean = sorted.Average();
        double deviation = Math.Sqrt(sorted.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, sorted.Length - 1));
        return (Quantile(sorted, Outside), Quantile(sorted, 1 - Outside), deviation);
    }

    /// <summary>
    /// The two-sided p-value of a paired comparison: the probability of a mean difference at least this far from 0 if chance decides at each question which
    /// of the two models is ahead. It is exact where the figures are 0 or 1 (McNemar's test, by the binomial distribution). Otherwise it comes from random
    /// signs.
    /// </summary>
    /// <param name="differences">One difference for each question.</param>
    /// <param name="seed">The seed of the random signs.</param>
    /// <param name="draws">How often signs are drawn.</param>
    public static double PairedP(IReadOnlyList<double> differences, int seed, int draws)
    {
        double[] unlike = [.. differences.Where(d => d != 0)];
        if (unlike.Length == 0)
            return 1;
        return unlike.All(d => Math.Abs(d) == 1) ? Binomial(unlike.Length, unlike.Count(d => d > 0)) : Drawn(unlike, seed, draws);
    }

    // Both tails: 2 P(X <= the smaller count), at most 1.
    private static double Binomial(int trials, int ahead)
    {
        int fewer = Math.Min(ahead, trials - ahead);
        double log = -trials * Math.Log(2), sum = 0;
        for (int k = 0; k <= fewer; k++)
        {
            sum += Math.Exp(log);
            log += Math.Log((double)(trials - k) / (k + 1));
        }
        return Math.Min(1, 2 * sum);
    }

    private static double Drawn(double[] differences, int seed, int draws)
    {
        // The same terms summed with other signs round differently, so a sum that is equal but for rounding must count as far enough.
        double seen = Math.Abs(differences.Sum()) * (1 - 1e-12);
        int far = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            var random = new CounterRandom(CounterRandom.Key(seed, differences.Length, draw));
            double sum = 0;
            foreach (double difference in differences)
                sum += (random.Next() & 1) == 0 ? difference : -difference;
            far += Math.Abs(sum) >= seen ? 1 : 0;
        }
        return (far + 1.0) / (draws + 1);
    }

    private static double Quantile(double[] sorted, double share)
    {
        double at = share * (sorted.Length - 1);
        int low = (int)at;
        return low + 1 < sorted.Length ? sorted[low] + ((at - low) * (sorted[low + 1] - sorted[low])) : sorted[low];
    }
}
