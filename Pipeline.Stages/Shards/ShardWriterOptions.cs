namespace Pipeline.Stages.Shards;

/// <summary>How a shard is cut and compressed. All of it decides the bytes, none of it what is read back.</summary>
/// <param name="CompressionLevel">Of zstd.</param>
/// <param name="BlockRecords">Records after which a block ends.</param>
/// <param name="BlockBytes">Bytes before compression after which a block ends.</param>
public sealed record ShardWriterOptions(int CompressionLevel = 3, int BlockRecords = 512, int BlockBytes = 8 << 20);
