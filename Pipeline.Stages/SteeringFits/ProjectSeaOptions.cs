using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Steering;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What a definition may say about the <c>project-sea</c> stage.</summary>
internal sealed record ProjectSeaOptions
{
    [Description("The folder for the edit, inside the run folder; the 'edit' of a model names it as run:NAME.")]
    public string To { get; init; } = "sea";

    [Description("The share of what base and positive activations have in common that is kept: the leading directions that reach it.")]
    [Range(1e-9, 1.0)]
    public double Keep { get; init; } = 0.998;

    [Description("The share of what base and negative activations have in common that is dropped.")]
    [Range(1e-9, 1.0)]
    public double Drop { get; init; } = 0.998;

    [Description("Instead of keep: the number of directions, or more where the last is tied with the next.")]
    [Range(1, 1 << 20)]
    public int? KeepRank { get; init; }

    [Description("Instead of drop: the number of directions, or more where the last is tied with the next.")]
    [Range(1, 1 << 20)]
    public int? DropRank { get; init; }

    [Description("How the two sides are combined where the map is not the identity: feature, or separate as in the paper's formula.")]
    public SideCombination Combine { get; init; } = SideCombination.Feature;

    [Description("Restore the length of every edited activation, as the method does.")]
    public bool Renormalise { get; init; } = true;

    [Description("Write a control instead of the edit: exchanged or random.")]
    public ControlKind Control { get; init; } = ControlKind.None;
}
