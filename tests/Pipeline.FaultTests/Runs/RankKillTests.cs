using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>
/// Training by two ranks of mpirun, one of which is killed at a random moment. Needs an MPI: asked for by the cluster's script
/// (<c>ALM_CLUSTER=1</c>, which installs one) or by the full form, and left out otherwise.
/// </summary>
[Collection(TinyJobTests.Name)]
public sealed class RankKillTests(TinyJob job, ITestOutputHelper output)
{
    private string Definition => job.Write("ranked.json", job.Text().Replace("\"stage\": \"update-student\"", "\"stage\": \"update-student\", \"slots\": 2", StringComparison.Ordinal));

    [Fact]
    public void A_rank_that_is_killed_ends_the_job_and_the_same_command_goes_on_to_the_same_bytes()
    {
        if (!HasMpi())
            return;
        SortedDictionary<string, string> expected = job.Clean(Definition);
        int wanted = FaultCounts.Of(20, 100), kills = 0, starts = 0;
        string[] Arguments(string folder) => TinyJob.Arguments(Definition, folder);
        string whole = job.NewFolder("whole");
        long start = Stopwatch.GetTimestamp();
        using (AlmChild first = AlmChild.Ranks(2, Arguments(whole)))
        {
            AlmEnd end = first.End();
            Assert.True(end.Code == ExitCodes.Success, end.ToString());
        }
        TimeSpan takes = Stopwatch.GetElapsedTime(start);
        TinyJob.AssertSame(expected, whole, "two ranks");

        var random = new Random(7);
        while (kills < wanted)
        {
            string folder = job.NewFolder("killed");
            for (bool done = false; !done; starts++)
            {
                using AlmChild child = AlmChild.Ranks(2, Arguments(folder));
                AlmEnd end = kills < wanted && Killed(child, random, takes) ? End(child, ref kills) : child.End();
                done = end.Code == ExitCodes.Success;
                Assert.True(done || end.Code != ExitCodes.Defect, end.ToString());
            }
            TinyJob.AssertSame(expected, folder, $"{kills} kills");
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{kills} kills in {starts} starts; a run of two ranks takes {takes.TotalSeconds:F1} s");
    }

    private static AlmEnd End(AlmChild child, ref int kills)
    {
        AlmEnd end = child.End();
        // The launcher says that one died: which rank, once it had begun as one, and before that only that a process was killed. A rank that
        // was through already takes nobody with it.
        if (end.Code != ExitCodes.Success)
        {
            kills++;
            string said = end.ToString();
            Assert.True(new[] { "rank", "non-zero", "process" }.Any(word => said.Contains(word, StringComparison.OrdinalIgnoreCase)), said);
        }
        return end;
    }

    private static bool Killed(AlmChild child, Random random, TimeSpan whole)
    {
        TimeSpan after = random.NextDouble() * whole;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < after && !child.HasExited)
            Thread.Sleep(1);
        int[] ranks = child.Children;
        return ranks.Length > 0 && AlmChild.KillChild(ranks[random.Next(ranks.Length)]);
    }

    private bool HasMpi()
    {
        bool asked = FaultCounts.Full || Environment.GetEnvironmentVariable("ALM_CLUSTER") == "1";
        bool there = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, "mpirun")) && File.Exists(Path.Combine(p, "mpicc")));
        if (!asked || !there)
            output.WriteLine(asked ? "left out: there is no mpirun with an mpicc" : "left out: ALM_CLUSTER=1 asks for it, as tests/cluster/test.sh does");
        return asked && there;
    }
}
