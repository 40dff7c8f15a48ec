using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>Writes one shard: the part of the output that its graph computes, in the order of the input.</summary>
internal sealed class WriteShardsSink(
    WriteShardsOptions options, string path, Partition? partition, Func<IReadOnlyDictionary<string, string>> fingerprint, IStorage storage, IStageMeter meter, IRejects rejects)
    : ISink<Example>, IPartitioned, IDisposable
{
    private ShardWriter? _written;

    public static StageRegistration Registration { get; } = StageRegistration.Sink<WriteShardsOptions, Example, WriteShardsSink>(
        "write-shards", "Writes scored examples to a fixed number of checksummed shards, each computed once.",
        static (o, c) => new WriteShardsSink(o, RunPaths.Output(c.RunFolder, o.To), c.Partition, c.Fingerprint, c.Storage, c.Meter, c.Rejects))
        .Telling<WriteShardsOptions>(static (o, facts) => facts with { ShardFolders = [.. facts.ShardFolders, o.To] })
        .Writing<WriteShardsOptions>(static o => [new StageOutput("to", o.To, OutputKind.Shards)]);

    public int PartitionCount => options.Count;

    public bool IsCommitted(int part) => Folder().IsCommitted(part, meter.Say);

    public bool IsPresent(int part) => storage.FileExists(Path.Combine(path, ShardFormat.FileName(part, options.Count)));

    public async Task RunAsync(IAsyncEnumerable<Example> input, CancellationToken cancellationToken)
    {
        Partition part = partition ?? new Partition(0, 1);
        if (part.Count != options.Count)
            throw new InvalidOperationException($"{options.To}: the graph computes part {part.Index} of {part.Count}, count is {options.Count}");
        // The writer is disposed of with the stage, which removes what is not committed by then.
        var writer = _written = new ShardWriter(
            storage, Folder().PathOf(part.Index), new ShardHeader(Fingerprint(), part.Index, part.Count),
            new ShardWriterOptions(options.CompressionLevel, options.BlockRecords, Scores: options.Scores, NextBytes: options.NextBytes));
        await foreach (Example example in input.WithCancellation(cancellationToken))
        {
            if (!ShardWriter.Fits(example))
            {
                rejects.Reject(example.Id, "larger than a block", $"{example.Student.Count} student tokens, {example.Text.Length} characters");
                continue;
            }
            writer.Add(example);
            meter.Count("teacherTokens", example.Teacher?.Tokens.Count ?? 0);
            meter.Count("chunks", example.Chunks.Length);
        }
        cancellationToken.ThrowIfCancellationRequested();
        meter.Count("shardBytes", writer.Finish().Bytes);
    }

    public void Commit() => Folder().Add(_written!.Commit(), meter.Say);

    public void Dispose() => _written?.Dispose();

    private ShardFolder Folder() => new(storage, path, options.Count, Fingerprint());

    // 16 bits are not recorded, because all shards had them before there was a choice.
    private ShardFingerprint Fingerprint()
    {
        var parts = new Dictionary<string, string>(fingerprint());
        if (options.Scores != ScorePrecision.Bits16)
            parts[FingerprintPart.TeacherScores] = options.Scores.ToString();
        if (options.NextBytes != ScorePrecision.Bits16 && parts.ContainsKey(FingerprintPart.TeacherNextBytes))
            parts[FingerprintPart.NextByteBits] = options.NextBytes.ToString();
        return ShardFingerprint.Of(parts);
    }
}
