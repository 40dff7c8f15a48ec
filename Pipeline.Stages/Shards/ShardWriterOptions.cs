using Pipeline.Contracts.Formats;

namespace Pipeline.Stages.Shards;

/// <summary>How a shard is cut and compressed. Every option changes the bytes of the file, but only the precisions change what is read back.</summary>
/// <param name="CompressionLevel">The level of zstd.</param>
/// <param name="BlockRecords">A block ends after this many records.</param>
/// <param name="BlockBytes">A block ends after this many bytes before compression.</param>
/// <param name="Scores">The precision of the teacher's scores.</param>
/// <param name="NextBytes">The precision of the teacher's next bytes.</param>
internal sealed record ShardWriterOptions(
    int CompressionLevel = 3, int BlockRecords = 512, int BlockBytes = 8 << 20, ScorePrecision Scores = ScorePrecision.Bits16, ScorePrecision NextBytes = ScorePrecision.Bits16);
