using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary><c>alm verify</c> names what is wrong, <c>alm repair</c> removes that alone, and the next run makes only that again.</summary>
[Collection(TinyJobTests.Name)]
public sealed class RepairTests(TinyJob job, ITestOutputHelper output)
{
    [Theory]
    [InlineData("shards/shard-00002-of-00004.alm")]
    [InlineData("student/model.safetensors")]
    [InlineData("checkpoints/student/step-0000000012/weights.safetensors")]
    public void Only_the_damaged_part_is_removed_and_made_again(string damaged)
    {
        string folder = job.NewFolder("damaged");
        AlmEnd first = InProcess.Run(TinyJob.Arguments(job.Definition, folder));
        Assert.True(first.Code == ExitCodes.Success, first.ToString());
        Dictionary<string, DateTime> before = Times(folder);
        string path = Path.Combine(folder, damaged);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(path, bytes);

        AlmEnd verified = InProcess.Run(["verify", folder]);
        Assert.Equal(ExitCodes.Input, verified.Code);
        Assert.Contains(path, verified.Output, StringComparison.Ordinal);
        AlmEnd repaired = InProcess.Run(["repair", folder]);
        output.WriteLine(repaired.Output);
        Assert.Equal(ExitCodes.Success, repaired.Code);
        Assert.Empty(Times(folder).Keys.Except(before.Keys));

        AlmEnd again = InProcess.Run(TinyJob.Arguments(job.Definition, folder));
        Assert.True(again.Code == ExitCodes.Success, again.ToString());
        TinyJob.AssertSame(job.Expected, folder, $"repair of {damaged}");
        Assert.Equal(ExitCodes.Success, InProcess.Run(["verify", folder]).Code);
        // Of shards and checkpoints, which take the time, nothing else was touched; a student is exported from its last checkpoint.
        string[] touched = [.. Times(folder).Where(f => before.GetValueOrDefault(f.Key) != f.Value && !f.Key.StartsWith("student", StringComparison.Ordinal) && !f.Key.EndsWith("manifest.json", StringComparison.Ordinal)).Select(f => f.Key)];
        output.WriteLine($"written again: {string.Join(", ", touched)}");
        Assert.All(touched, t => Assert.StartsWith(Path.GetDirectoryName(damaged)!, t, StringComparison.Ordinal));
        if (damaged.StartsWith("shards", StringComparison.Ordinal))
            Assert.Equal([damaged], touched);
    }

    private static Dictionary<string, DateTime> Times(string folder)
        => TinyJob.Results(folder).Keys.ToDictionary(k => k, k => File.GetLastWriteTimeUtc(Path.Combine(folder, k)));
}
