using Pipeline.Contracts.Stages;

namespace Pipeline.Stages;

/// <summary>Lists every stage that a definition can name. A new stage is one line here.</summary>
public static class StageTable
{
    /// <summary>The stages, in the order of the pipeline.</summary>
    public static IReadOnlyList<StageRegistration> All { get; } =
    [
        Text.ReadParquetSource.Registration,
        Text.ReadJsonlSource.Registration,
        Text.GenerateProblemsSource.Registration,
        Text.WriteParquetSink.Registration,
        Writing.GenerateTextStream.Registration,
        Tokenization.Training.TrainTokenizerSink.Registration,
        Documents.TokenizeMap.Registration,
        Documents.TokenizeStudentMap.Registration,
        Documents.AlignMap.Registration,
        Teacher.ScoreTeacherStream.Registration,
        Imports.ImportScoresSource.Registration,
        Shards.WriteShardsSink.Registration,
        Shards.ReadShardsSource.Registration(ShardExpectation.Of, ShardExpectation.Known),
        Student.RealignMap.Registration,
        Student.BatchStream.Registration,
        Student.UpdateStudentSink.Registration,
        HypernetworkTraining.TrainHypernetworkSink.Registration,
        Embeddings.ComputeBiasSink.Registration,
        Embeddings.MatchTokensSource.Registration,
        Embeddings.WriteTokenMapSink.Registration,
        Evaluation.EvaluateSink.Registration,
        Demonstrations.ReadDemonstrationsSource.Registration,
        SteeringFits.FitSeaSink.Registration,
        SteeringFits.ReadSeaSumsSource.Registration,
        SteeringFits.ProjectSeaSink.Registration,
        Choices.ReadChoicesSource.Registration,
        Choices.EvaluateChoicesSink.Registration,
        Tasks.ReadTasksSource.Registration,
        Tasks.JudgeTasksSink.Registration,
    ];
}
