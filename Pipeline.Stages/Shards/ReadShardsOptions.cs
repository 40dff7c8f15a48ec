using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Shards;

/// <summary>Options of <c>read-shards</c>.</summary>
internal sealed record ReadShardsOptions
{
    [Description("Folders of shards: what a write-shards stage of this definition writes to, run:NAME, or a path.")]
    public required IReadOnlyList<string> From { get; init; }

    [Description("How often all examples are read; 0 never ends.")]
    [Range(0, int.MaxValue), Extends]
    public int Epochs { get; init; } = 1;

    [Description("Whether every epoch has a different random order. Otherwise examples come in the order of the input.")]
    public bool Shuffle { get; init; } = true;

    [Description("Number of randomly chosen blocks whose records are mixed with each other. More mixes better and needs more memory.")]
    [Range(1, 65_536)]
    public int ShuffleBlocks { get; init; } = 16;
}
