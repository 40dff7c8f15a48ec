using Pipeline.Contracts.Formats;

namespace Pipeline.Stages.Shards;

/// <summary>How a shard is cut and compressed. All of it decides the bytes; of what is read back, only the precision decides.</summary>
/// <param name="CompressionLevel">Of zstd.</param>
/// <param name="BlockRecords">Records after which a block ends.</param>
/// <param name="BlockBytes">Bytes before compression after which a block ends.</param>
/// <param name="Scores">Bits that the teacher's scores keep.</param>
/// <param name="NextBytes">Bits that its next bytes keep.</param>
internal sealed record ShardWriterOptions(
    int CompressionLevel = 3, int BlockRecords = 512, int BlockBytes = 8 << 20, ScorePrecision Scores = ScorePrecision.Bits16, ScorePrecision NextBytes = ScorePrecision.Bits16);
