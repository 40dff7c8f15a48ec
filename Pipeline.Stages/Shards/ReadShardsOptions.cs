using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Shards;

/// <summary>Options of <c>read-shards</c>.</summary>
internal sealed record ReadShardsOptions
{
    [Description("Folders of shards: what a write-shards stage of this definition writes to, run:NAME, or a path.")]
    public required IReadOnlyList<string> From { get; init; }

    [Description("How often all examples are read; 0 goes on for ever.")]
    [Range(0, int.MaxValue), Extends]
    public int Epochs { get; init; } = 1;

    [Description("Another order in every epoch. Otherwise the order of the input.")]
    public bool Shuffle { get; init; } = true;

    [Description("Blocks, taken at random, whose records are mixed with each other: more mixes better and needs more memory.")]
    [Range(1, 65_536)]
    public int ShuffleBlocks { get; init; } = 16;
}
