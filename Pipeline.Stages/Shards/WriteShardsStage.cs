using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Shards;

/// <summary>Writes the shard of this graph's partition, in input order.</summary>
internal sealed class WriteShardsStage : ISink<Example>, IPartitioned, IDisposable
{
    private readonly WriteShardsOptions _options;
    private readonly StageContext _context;
    private readonly string _folder;
    private ShardWriter? _written;

    public WriteShardsStage(WriteShardsOptions options, StageContext context)
    {
        _options = options;
        _context = context;
        _folder = RunPaths.Output(context.RunFolder, options.To);
    }

    public int PartitionCount => _options.Count;

    public bool IsCommitted(int partition) => Folder().IsCommitted(partition, _context.Meter.Say);

    public bool IsPresent(int partition) => _context.Storage.FileExists(Path.Combine(_folder, ShardFormat.FileName(partition, _options.Count)));

    public async Task RunAsync(IAsyncEnumerable<Example> input, CancellationToken cancellationToken)
    {
        Partition part = _context.Partition ?? new Partition(0, 1);
        if (part.Count != _options.Count)
            throw new InvalidOperationException($"{_context.StageName}: the graph computes part {part.Index} of {part.Count}, count is {_options.Count}");
        ShardFingerprint fingerprint = Fingerprint();
        // Disposed with the stage: what is not committed by then leaves nothing.
        var writer = _written = new ShardWriter(
            _context.Storage, Folder().PathOf(part.Index), new ShardHeader(fingerprint, part.Index, part.Count),
            new ShardWriterOptions(_options.CompressionLevel, _options.BlockRecords, Scores: _options.Scores));
        await foreach (Example example in input.WithCancellation(cancellationToken))
        {
            if (!ShardWriter.Fits(example))
            {
                _context.Rejects.Reject(example.Id, "larger than a block", $"{example.Student.Count} student tokens, {example.Text.Length} characters");
                continue;
            }
            writer.Add(example);
            _context.Meter.Count("teacherTokens", example.Teacher?.Tokens.Count ?? 0);
            _context.Meter.Count("chunks", example.Chunks.Length);
        }
        cancellationToken.ThrowIfCancellationRequested();
        _context.Meter.Count("shardBytes", writer.Finish().Bytes);
    }

    public void Commit() => Folder().Add(_written!.Commit(), _context.Meter.Say);

    public void Dispose() => _written?.Dispose();

    private ShardFolder Folder() => new(_context.Storage, _folder, _options.Count, Fingerprint());

    // Of 16 bits nothing is said: every shard had them before there was a choice.
    private ShardFingerprint Fingerprint()
    {
        var parts = new Dictionary<string, string>(_context.Fingerprint());
        if (_options.Scores != ScorePrecision.Bits16)
            parts["teacher scores"] = _options.Scores.ToString();
        return ShardFingerprint.Of(parts);
    }
}
