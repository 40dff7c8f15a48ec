using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Documents;

/// <summary>Passes on what it gets. Finding chunks was once a stage of its own, and definitions that name this stage stay valid.</summary>
internal sealed class AlignMap : IMap<AlignedPair, AlignedPair>
{
    public static StageRegistration Registration { get; } = StageRegistration.Map<AlignOptions, AlignedPair, AlignedPair, AlignMap>(
        "align", "Does nothing, as tokenize aligns; definitions for earlier versions may still name it.", static (_, _) => new AlignMap());

    public IReadOnlyList<AlignedPair> Map(AlignedPair input) => [input];
}
