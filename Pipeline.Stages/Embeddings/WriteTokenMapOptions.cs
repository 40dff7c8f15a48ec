using System.ComponentModel;

namespace Pipeline.Stages.Embeddings;

/// <summary>Options of <c>write-token-map</c>.</summary>
internal sealed record WriteTokenMapOptions
{
    [Description("The file for the map, inside the run folder; 'mapping' of mined names it as run:NAME.")]
    public string To { get; init; } = "token-map.txt";
}
