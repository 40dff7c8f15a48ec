using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Formats;

namespace Pipeline.Stages.Shards;

/// <summary>Options of <c>write-shards</c>.</summary>
internal sealed record WriteShardsOptions
{
    [Description("The folder to write, inside the run folder.")]
    public required string To { get; init; }

    [Description("Number of shards. A shard is the unit of work that is never done twice. The number does not depend on how many machines compute them.")]
    [Range(1, 65_536)]
    public int Count { get; init; } = 8;

    [Description("zstd level. Higher levels give smaller files and take longer; reading costs the same.")]
    [Range(1, 19)]
    public int CompressionLevel { get; init; } = 3;

    [Description("Records per block. A block is read at a time, and blocks are shuffled.")]
    [Range(1, 65_536)]
    public int BlockRecords { get; init; } = 512;

    [Description("Bits kept of each of the teacher's two numbers per token: 16, 12 or 8. docs/study.md says what fewer bits cost.")]
    public ScorePrecision Scores { get; init; } = ScorePrecision.Bits16;

    [Description("Bits kept of the log-probabilities of next bytes, if there are any (score-teacher.bytes): 16, 12 or 8.")]
    public ScorePrecision NextBytes { get; init; } = ScorePrecision.Bits16;
}
