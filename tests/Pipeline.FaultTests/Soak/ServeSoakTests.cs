using Pipeline.FaultTests.Runs;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Soak;

/// <summary>The short form of <see cref="ServeSoak"/>; the long one is a command of its own.</summary>
[Collection(TinyJobTests.Name)]
public sealed class ServeSoakTests(TinyJob job, ITestOutputHelper output)
{
    // The short form ends while the process still warms up; what is kept of each request would be many times as much.
    private const double Promise = 1.05, PromiseWarmingUp = 1.15;

    [Fact]
    public async Task A_server_holds_no_more_after_many_requests()
    {
        var said = new StringWriter();
        SampleSeries series = await new ServeSoak(job, said).RunAsync(FaultCounts.Of(600, 10_000));
        output.WriteLine(said.ToString());
        if (series.Count == 0)
        {
            output.WriteLine("not measured: there is no /proc here");
            return;
        }
        (ProcessSample middle, ProcessSample last) = series.Thirds();
        Assert.True(last.ResidentMiB <= middle.ResidentMiB * FaultCounts.Of(PromiseWarmingUp, Promise), series.ToString());
        Assert.InRange(last.Handles, 0, middle.Handles + 16);
        Assert.InRange(last.Threads, 0, middle.Threads + 16);
    }
}
