using Pipeline.Contracts.Stages;

namespace Pipeline.Stages;

/// <summary>Every stage a definition may name, in the order of the pipeline. A new stage is one line here.</summary>
public static class StageTable
{
    public static IReadOnlyList<StageRegistration> All { get; } =
    [
        Text.ReadParquetSource.Registration,
        Text.ReadJsonlSource.Registration,
        Text.GenerateProblemsSource.Registration,
        Text.WriteParquetSink.Registration,
        Tokenization.Training.TrainTokenizerStage.Registration,
        Documents.AlignmentRegistration.Tokenize,
        Documents.AlignmentRegistration.TokenizeStudent,
        Documents.AlignmentRegistration.Align,
        Teacher.ScoreTeacherRegistration.Stage,
        Shards.ShardStages.Write,
        Shards.ShardStages.Read(ShardExpectation.Of),
        Student.StudentRegistrations.Realign,
        Student.StudentRegistrations.Batch,
        Student.StudentRegistrations.Update,
        HypernetworkTraining.TrainHypernetworkStage.Registration,
        Embeddings.ComputeBiasStage.Registration,
        Embeddings.MatchTokensSource.Registration,
        Embeddings.WriteTokenMapSink.Registration,
        Evaluation.EvaluateSink.Registration,
        Demonstrations.ReadDemonstrationsSource.Registration,
        SteeringFits.FitSeaStage.Registration,
        SteeringFits.ReadSeaSumsSource.Registration,
        SteeringFits.ProjectSeaSink.Registration,
    ];
}
