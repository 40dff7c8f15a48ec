using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What a definition may say about the <c>read-sea-sums</c> stage.</summary>
internal sealed record ReadSeaSumsOptions
{
    [Description("The folder that fit-sea wrote; run:NAME is inside the run folder.")]
    public required string From { get; init; }

    [Description("Layers to project, 0 being the first and -1 the model's last; absent: all that have sums.")]
    public IReadOnlyList<int>? Layers { get; init; }
}
