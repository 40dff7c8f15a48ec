using Pipeline.Contracts.Records;

namespace Pipeline.Stages.SteeringFits;

/// <summary>
/// One layer of a folder of sums. Its matrices are not part of the record: the stage that projects them reads them, one layer at a time.
/// </summary>
/// <param name="Folder">The folder.</param>
/// <param name="Headers">The headers of all its parts, in order.</param>
/// <param name="Layer">The number of the layer.</param>
internal sealed record LayerSums(SumsFolder Folder, IReadOnlyList<SumsHeader> Headers, int Layer) : IRecord
{
    /// <summary>None, because the sums are of many documents.</summary>
    public DocumentId? Id => null;

    /// <summary>Small, because the matrices are not part of the record.</summary>
    public long Weight => 64L * (1 + Headers.Count);

    public long Demonstrations => Headers.Sum(h => h.Demonstrations);
}
