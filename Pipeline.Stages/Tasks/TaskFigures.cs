namespace Pipeline.Stages.Tasks;

/// <summary>Computes the figures of a task with their intervals. All models are measured on the same samples of the questions.</summary>
/// <param name="seed">The seed of the samples.</param>
/// <param name="resamples">How many samples are drawn.</param>
internal sealed class TaskFigures(int seed, int resamples)
{
    /// <summary>The figures of all models on one task.</summary>
    /// <param name="models">The models with their metrics, which must be the same metrics in the same order.</param>
    /// <param name="reference">The model that the others are compared with; null where there is none.</param>
    public IReadOnlyList<TaskModelResult> Of(IReadOnlyList<(string Name, IReadOnlyList<TaskMetric> Metrics)> models, string? reference)
    {
        int questions = models[0].Metrics[0].Terms.Count;
        // By model and figure, one value for each sample.
        double[][][] values = [.. models.Select(m => m.Metrics.Select(_ => new double[resamples]).ToArray())];
        for (int sample = 0; sample < resamples; sample++)
        {
            int[] drawn = Resampling.Sample(questions, seed, sample);
            for (int m = 0; m < models.Count; m++)
            {
                for (int f = 0; f < values[m].Length; f++)
                    values[m][f][sample] = models[m].Metrics[f].Of(models[m].Metrics[f].Sums(drawn));
            }
        }
        int other = reference is null ? -1 : models.ToList().FindIndex(m => m.Name == reference);
        return [.. models.Select((model, m) => new TaskModelResult(model.Name, [.. model.Metrics.Select((metric, f) => Figure(metric, values[m][f]) with
        {
            Versus = other < 0 || other == m ? null : Versus(metric, values[m][f], models[other].Metrics[f], values[other][f]),
        })]))];
    }

    private static TaskFigure Figure(TaskMetric metric, double[] samples)
    {
        (double Low, double High, double Deviation)? spread = Resampling.Spread(samples);
        double? error = metric.Values is { Count: > 1 } all ? StandardError(all) : metric.Values is null ? spread?.Deviation : null;
        return new TaskFigure(metric.Name, metric.Filter, Finite(metric.Value), error, spread?.Low, spread?.High, metric.HigherIsBetter, null);
    }

    private TaskDifference Versus(TaskMetric metric, double[] samples, TaskMetric other, double[] others)
    {
        (double Low, double High, double Deviation)? spread = Resampling.Spread(samples.Zip(others, (a, b) => a - b));
        double? p = metric.Values is { } own && other.Values is { } its ? Resampling.PairedP([.. own.Zip(its, (a, b) => a - b)], seed, resamples) : null;
        return new TaskDifference(Finite(metric.Value - other.Value), spread?.Low, spread?.High, p);
    }

    private static double StandardError(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1) / values.Count);
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
