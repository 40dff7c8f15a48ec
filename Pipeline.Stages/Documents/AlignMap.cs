using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Documents;

/// <summary>Hands on what it is given. Aligning was a stage of its own, and definitions that name it stay good.</summary>
internal sealed class AlignMap : IMap<AlignedPair, AlignedPair>
{
    public static StageRegistration Registration { get; } = StageRegistration.Map<AlignOptions, AlignedPair, AlignedPair, AlignMap>(
        "align", "Does nothing, as tokenize aligns; definitions for earlier versions may still name it.", static (_, _) => new AlignMap());

    public IReadOnlyList<AlignedPair> Map(AlignedPair input) => [input];
}
