using System.ComponentModel;

namespace Pipeline.Stages.Embeddings;

/// <summary>Options of <c>write-token-map</c>.</summary>
internal sealed record WriteTokenMapOptions
{
    [Description("The file, below the run's folder, that mined's 'mapping' then names as run:NAME.")]
    public string To { get; init; } = "token-map.txt";
}
