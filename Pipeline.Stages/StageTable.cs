using Pipeline.Contracts.Stages;

namespace Pipeline.Stages;

/// <summary>Every stage a definition may name. A new stage is one line here.</summary>
public static class StageTable
{
    public static IReadOnlyList<StageRegistration> All { get; } =
    [
        Tokenization.Training.TrainTokenizerStage.Registration,
    ];
}
