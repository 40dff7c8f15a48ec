using Pipeline.Contracts.Records;

namespace Pipeline.Stages.SteeringFits;

/// <summary>One layer of a folder of sums; its matrices are read by who projects them, one layer at a time.</summary>
/// <param name="Folder">The whole.</param>
/// <param name="Headers">Of all its parts, in order.</param>
/// <param name="Layer">Which.</param>
internal sealed record LayerSums(SumsFolder Folder, IReadOnlyList<SumsHeader> Headers, int Layer) : IRecord
{
    /// <summary>None: it is of many documents.</summary>
    public DocumentId? Id => null;

    /// <summary>The matrices are not in it.</summary>
    public long Weight => 64L * (1 + Headers.Count);

    public long Demonstrations => Headers.Sum(h => h.Demonstrations);
}
