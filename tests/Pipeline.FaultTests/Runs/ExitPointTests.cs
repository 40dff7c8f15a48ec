using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 2: a process that ends at a named moment of a whole run.</summary>
[Collection(TinyJobTests.Name)]
public sealed class ExitPointTests(TinyJob job, ITestOutputHelper output)
{
    public static TheoryData<string, int> Moments()
    {
        var moments = new TheoryData<string, int>();
        foreach (string name in ExitPoint.Names)
        {
            bool ofOld = name.Contains("old", StringComparison.Ordinal);
            // The second rename is the first shard's: before it the run folder has its definition alone. Four checkpoints are written, two leave.
            int[] fast = ofOld || name == "mid-checkpoint" ? [2] : [2, 16];
            int[] full = ofOld ? [1, 2] : name == "mid-checkpoint" ? [1, 2, 3, 4] : [.. Enumerable.Range(1, 8), 16, 24];
            foreach (int number in FaultCounts.Full ? full : fast)
                moments.Add(name, number);
        }
        return moments;
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public void Ended_at_a_named_moment_a_run_goes_on_to_the_same_bytes(string moment, int number)
    {
        string folder = job.NewFolder("ended");
        string[] arguments = TinyJob.Arguments(job.Definition, folder);
        using AlmChild child = AlmChild.Faulty(["exit-at", moment, number.ToString(System.Globalization.CultureInfo.InvariantCulture), .. arguments]);
        AlmEnd ended = child.End();
        Assert.True(ended.Code == AlmEnd.Killed, ended.ToString());
        output.WriteLine($"left behind: {string.Join(", ", TinyJob.StagingFiles(folder).Select(Path.GetFileName))}");

        AlmEnd next = InProcess.Run(arguments);
        Assert.True(next.Code == ExitCodes.Success, next.ToString());
        TinyJob.AssertSame(job.Expected, folder, $"{moment} {number}");
    }
}
