using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Formats;

namespace Pipeline.Stages.Shards;

/// <summary>Options of <c>write-shards</c>.</summary>
internal sealed record WriteShardsOptions
{
    [Description("Folder below the run folder.")]
    public required string To { get; init; }

    [Description("Number of shards: the unit of work that is never done twice. It does not depend on how many machines compute them.")]
    [Range(1, 65_536)]
    public int Count { get; init; } = 8;

    [Description("zstd level. Higher is smaller and slower; reading costs the same.")]
    [Range(1, 19)]
    public int CompressionLevel { get; init; } = 3;

    [Description("Records of a block, which is what is read at a time and what is shuffled.")]
    [Range(1, 65_536)]
    public int BlockRecords { get; init; } = 512;

    [Description("Bits that the teacher's two numbers per token keep: 16, 12 or 8. docs/study.md says what fewer cost.")]
    public ScorePrecision Scores { get; init; } = ScorePrecision.Bits16;

    [Description("Bits that the log-probabilities of next bytes keep, where there are any (score-teacher.bytes): 16, 12 or 8.")]
    public ScorePrecision NextBytes { get; init; } = ScorePrecision.Bits16;
}
