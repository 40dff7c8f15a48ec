using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Pages;

namespace Pipeline.Host.Tests.Pages;

/// <summary>What a page reads of a run's metrics: all of a short run, means of a long one, and never more than a page shows.</summary>
public sealed class MetricSeriesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-metrics-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_short_run_is_read_as_it_is_and_a_step_that_came_again_by_its_last_line()
    {
        MetricSeries series = Assert.Single(Read([.. Steps(1, 9, step => step), .. Steps(7, 12, step => -step), "{\"flow\":\"distill\",\"st"]));
        Assert.Equal(("distill", "loss/sft", 1, -12.0), (series.Flow, series.Name, series.Each, series.Last));
        Assert.Equal(Enumerable.Range(1, 12).Select(step => ((long)step, step < 7 ? step : -(double)step)), series.Points);
    }

    [Theory]
    [InlineData(2400, 1)]
    [InlineData(2401, 2)]
    [InlineData(100_003, 64)]
    public void A_long_run_is_read_as_means_of_equal_runs_of_steps(int steps, int each)
    {
        MetricSeries series = Assert.Single(Read(Steps(1, steps, step => step)));
        Assert.Equal((each, (double)steps), (series.Each, series.Last));
        Assert.Equal(Enumerable.Range(1, steps).Chunk(each).Select(run => ((long)run[^1], run.Average())), series.Points);
    }

    [Fact]
    public void Resumes_of_a_long_run_and_values_that_are_no_number_leave_it_in_order()
    {
        MetricSeries series = Assert.Single(Read([.. Steps(1, 5000, step => step), .. Steps(4321, 6000, step => step % 8 == 0 ? double.NaN : step)]));
        Assert.Equal(4, series.Each);
        Assert.Equal(6000, series.Points[^1].Step);
        Assert.All(series.Points.Zip(series.Points.Skip(1)), pair => Assert.InRange(pair.Second.Step - pair.First.Step, 1, 4));
        Assert.All(series.Points, point => Assert.InRange(point.Step - point.Value, 0, 3));
    }

    private IReadOnlyList<MetricSeries> Read(IEnumerable<string> lines)
    {
        File.WriteAllLines(Path.Combine(_folder, "metrics.jsonl"), lines);
        return MetricSeries.Read(new DiskStorage(), _folder);
    }

    private static IEnumerable<string> Steps(int from, int to, Func<int, double> value) => Enumerable.Range(from, to - from + 1).Select(step => string.Create(
        CultureInfo.InvariantCulture, $$"""{"time":"t","flow":"distill","stage":"update-student","step":{{step}},"loss/sft":{{(double.IsFinite(value(step)) ? value(step) : "\"NaN\"")}}}"""));
}
