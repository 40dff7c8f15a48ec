using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Tasks;

/// <summary>What samples of the questions say about a figure (bootstrap, Efron 1979); it depends only on the seed.</summary>
internal static class Resampling
{
    private const double Outside = 0.025;

    /// <summary>The questions of a sample: as many as there are, drawn with replacement.</summary>
    public static int[] Sample(int questions, int seed, int sample)
    {
        var random = new CounterRandom(CounterRandom.Key(seed, questions, sample));
        var drawn = new int[questions];
        for (int i = 0; i < questions; i++)
            drawn[i] = random.Below(questions);
        return drawn;
    }

    /// <summary>Between which two values 95 of 100 samples lie, and their standard deviation. Null where no sample has a value.</summary>
    /// <param name="samples">Values; NaN is left out.</param>
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
    /// How probable a mean difference at least as far from 0 is where it is chance which of the two is ahead at each question. Of figures that are
    /// 0 or 1 it is exact (McNemar's test, from the binomial distribution); of others signs are drawn.
    /// </summary>
    /// <param name="differences">Per question.</param>
    /// <param name="seed">Of the draws.</param>
    /// <param name="draws">How many.</param>
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
        // What sums in another order may differ by.
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
