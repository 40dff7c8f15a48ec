using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Steering;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What <c>project-sea</c> may be told.</summary>
internal sealed record ProjectSeaOptions
{
    [Description("The folder of the edit, below the run's folder, that 'edit' of a model then names as run:NAME.")]
    public string To { get; init; } = "sea";

    [Description("The share of what base and positive activations have in common that is kept: the leading directions that reach it.")]
    [Range(1e-9, 1.0)]
    public double Keep { get; init; } = 0.998;

    [Description("The share of what base and negative activations have in common that is dropped.")]
    [Range(1e-9, 1.0)]
    public double Drop { get; init; } = 0.998;

    [Description("Instead of keep: so many directions, more where the last is tied with the next.")]
    [Range(1, 1 << 20)]
    public int? KeepRank { get; init; }

    [Description("Instead of drop: so many directions, more where the last is tied with the next.")]
    [Range(1, 1 << 20)]
    public int? DropRank { get; init; }

    [Description("How the sides are put together where the map is not the identity: feature, or separate as in the paper's formula.")]
    public SideCombination Combine { get; init; } = SideCombination.Feature;

    [Description("Give every edited activation its old length back, as the method says.")]
    public bool Renormalise { get; init; } = true;

    [Description("Write a control in the edit's place: exchanged or random.")]
    public ControlKind Control { get; init; } = ControlKind.None;
}
