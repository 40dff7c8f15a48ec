using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Models;

/// <summary>Settings of the low-rank adapters on a model's projections. They are merged into the weights on export.</summary>
public sealed record LoraOptions
{
    [Description("Rank of the adapters.")]
    [Range(1, 1024)]
    public int Rank { get; init; } = 16;

    [Description("The adapters' output is multiplied by alpha / rank.")]
    [Range(0.001, 100_000)]
    public double Alpha { get; init; } = 32;

    [Description("Which projections get an adapter, by the last part of their names. The name of a fused projection (qkv_proj, gate_up_proj) stands for each of its parts.")]
    public IReadOnlyList<string> Targets { get; init; } = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    [Description("Seed of the adapters' first matrix; the second starts at zero.")]
    public int Seed { get; init; }
}
