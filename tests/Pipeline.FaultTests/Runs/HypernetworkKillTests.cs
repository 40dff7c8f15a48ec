using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>kill -9 at random moments while a hypernetwork is trained: it ends with the bytes of one that nobody disturbed.</summary>
[Collection(TinyJobTests.Name)]
public sealed class HypernetworkKillTests(TinyJob job, ITestOutputHelper output)
{
    [Fact]
    public void Killed_at_random_moments_a_hypernetwork_ends_with_the_same_bytes()
    {
        string definition = job.Write("hypernetwork.json", job.Hypernetwork());
        string clean = job.NewFolder("hypernetwork-clean");
        long start = Stopwatch.GetTimestamp();
        using (AlmChild child = AlmChild.Run(TinyJob.Arguments(definition, clean)))
        {
            AlmEnd end = child.End();
            Assert.True(end.Code == ExitCodes.Success, end.ToString());
        }
        TimeSpan whole = Stopwatch.GetElapsedTime(start);

        int wanted = FaultCounts.Of(2, 40), kills = 0, starts = 0;
        var random = new Random(3);
        while (kills < wanted)
        {
            string folder = job.NewFolder("hypernetwork-killed");
            for (bool done = false; !done;)
            {
                starts++;
                using AlmChild child = AlmChild.Run(TinyJob.Arguments(definition, folder));
                AlmEnd? end = kills < wanted ? KillTests.EndOrKill(child, (0.2 + 0.8 * random.NextDouble()) * whole) : child.End();
                kills += end is null ? 1 : 0;
                done = end is { Code: ExitCodes.Success };
                Assert.True(end is null || done, end?.ToString());
            }
            foreach (string file in new[] { "hypernetwork/hypernetwork.safetensors", "hypernetwork/hypernetwork.json" })
                Assert.Equal(File.ReadAllBytes(Path.Combine(clean, file)), File.ReadAllBytes(Path.Combine(folder, file)));
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{kills} kills in {starts} starts; a run takes {whole.TotalSeconds:F1} s");
    }
}
