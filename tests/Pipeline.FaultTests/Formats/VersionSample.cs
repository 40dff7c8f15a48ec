using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Formats;

/// <summary>
/// One of everything a shard and a checkpoint can hold. When a format changes, its version goes up, and
/// <c>dotnet Pipeline.FaultTests.dll write-version VERSION FOLDER</c> writes the sample that stays in <c>Versions</c> for good.
/// </summary>
internal static class VersionSample
{
    private static readonly Example[] s_first =
    [
        ExampleSamples.Realistic(0, words: 30),
        ExampleSamples.Realistic(1, bytesStudent: false, words: 30),
        ExampleSamples.Realistic(2, words: 5, hiddenWidth: 4),
        ExampleSamples.Realistic(3, words: 3) with { Teacher = null, Chunks = [] },
        WithMask(ExampleSamples.Realistic(4, words: 8)),
        new(new DocumentId(ulong.MaxValue, long.MaxValue, int.MaxValue), "", new TokenSequence([], []), null, []),
    ];

    /// <summary>A later version has what it is for.</summary>
    public static Example[] Examples(int version) => [.. s_first.Select((e, i) => version switch
    {
        2 when i == 1 => e with { Teacher = e.Teacher! with { Scores = Bounded(e.Teacher.Scores) } },
        >= ShardFormat.NextBytesVersion when i != 2 => ExampleSamples.WithNextBytes(e, i),
        _ => e,
    })];

    public static void Write(int version, string folder)
    {
        var storage = new DiskStorage();
        ShardFingerprint fingerprint = Fingerprint(version);
        var shards = new ShardFolder(storage, Path.Combine(folder, "shards"), 1, fingerprint);
        using (var writer = new ShardWriter(storage, shards.PathOf(0), new ShardHeader(fingerprint, 0, 1), new ShardWriterOptions(BlockRecords: 4)))
        {
            foreach (Example example in Examples(version))
                writer.Add(example);
            shards.Add(writer.Commit(), _ => { });
        }
        new CheckpointWriter(storage, Path.Combine(folder, "checkpoints"), 1).Write(7, "{\"window\": 3}", ("weights", s => s.Write("seven"u8)));
    }

    private static ShardFingerprint Fingerprint(int version)
    {
        var parts = new Dictionary<string, string> { ["teacher weights"] = "0123", ["student tokenizer"] = "bytes" };
        if (version == 2)
            parts[FingerprintPart.TeacherBoundary] = "interval";
        if (version == ShardFormat.NextBytesVersion)
            parts[FingerprintPart.TeacherNextBytes] = "trunk, at most 16 to 0.99";
        return ShardFingerprint.Of(parts);
    }

    private static TeacherScores Bounded(TeacherScores scores)
        => new(scores.NegLogLikelihood, null) { Interval = new BoundaryInterval(scores.NegLogBoundary!, Array.ConvertAll(scores.NegLogBoundary!, b => b / 2)) };

    private static Example WithMask(Example example)
    {
        bool[] mask = [.. Enumerable.Range(0, example.Student.Count).Select(i => i % 5 < 2)];
        return example with { Student = example.Student with { LossMask = mask } };
    }
}
