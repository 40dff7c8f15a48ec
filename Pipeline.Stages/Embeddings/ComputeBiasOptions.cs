using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Embeddings;

/// <summary>Options of <c>compute-bias</c>.</summary>
internal sealed record ComputeBiasOptions
{
    [Description("The file for the bias, inside the run folder; 'bias' of alm names it as run:NAME.")]
    public string To { get; init; } = "token-pair-bias.txt";

    [Description("Share of all counted tokens that is added to the count of every token, so that none has probability 0.")]
    [Range(0.0, 1.0)]
    public double Smoothing { get; init; } = 1e-5;
}
