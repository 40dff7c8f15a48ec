using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Shards;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 5, over what a whole run wrote: weights and optimizer as they are, shards, the exported model.</summary>
[Collection(TinyJobTests.Name)]
public sealed class RealFlipTests(TinyJob job, ITestOutputHelper output)
{
    private readonly DiskStorage _storage = new();

    [Theory]
    [InlineData("shards", "*.alm")]
    [InlineData("shards", "manifest.json")]
    [InlineData("checkpoints", "*")]
    [InlineData("student", "*")]
    public void A_flipped_bit_of_any_file_is_refused_by_the_files_name(string part, string files)
    {
        string folder = job.NewFolder("flipped");
        AlmEnd end = InProcess.Run(TinyJob.Arguments(job.Definition, folder));
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        string[] paths = [.. Directory.GetFiles(Path.Combine(folder, part), files, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        long bytes = paths.Sum(p => new FileInfo(p).Length);
        var random = new Random(9);
        int wanted = FaultCounts.Of(100, 10_000);
        for (int i = 0; i < wanted; i++)
        {
            // Every bit of all files together is as likely as another.
            long at = random.NextInt64(bytes);
            int file = 0;
            for (; at >= new FileInfo(paths[file]).Length; file++)
                at -= new FileInfo(paths[file]).Length;
            Flip(paths[file], at, i % 8);
            string? refused = Refusal(part, paths[file]);
            Assert.True(refused?.Contains(paths[file], StringComparison.Ordinal) ?? false, $"bit {i % 8} of byte {at} of {paths[file]}: {refused ?? "accepted"}");
            Flip(paths[file], at, i % 8);
        }
        Assert.Empty(ArtifactVerifier.Verify(_storage, folder).Findings);
        output.WriteLine($"{wanted} bits of {paths.Length} files, {bytes} bytes");
    }

    private string? Refusal(string part, string path)
    {
        try
        {
            if (part == "checkpoints")
                CheckpointSet.Open(_storage, Path.GetDirectoryName(path)!);
            else if (path.EndsWith(".alm", StringComparison.Ordinal))
                _ = ShardReader.Open(_storage, path).ReadAll().Count();
            else if (part == "shards")
                ShardManifest.Read(_storage, Path.GetDirectoryName(path)!);
            else
                return ArtifactVerifier.Verify(_storage, Path.GetDirectoryName(path)!).Findings.Select(f => f.Message).FirstOrDefault();
            return null;
        }
        catch (DamagedException e)
        {
            return e.Message;
        }
    }

    private static void Flip(string path, long at, int bit)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = at;
        int value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ (1 << bit)));
    }
}
