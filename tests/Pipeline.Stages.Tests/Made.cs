using Pipeline.Contracts.Stages;
using Pipeline.Stages.Choices;
using Pipeline.Stages.Demonstrations;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Imports;
using Pipeline.Stages.Shards;
using Pipeline.Stages.SteeringFits;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tasks;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Text;
using Pipeline.Stages.Writing;
using Pipeline.Stages.Tokenization.Training;

namespace Pipeline.Stages.Tests;

/// <summary>Stages as the host makes them: by their rows of the table.</summary>
internal static class Made
{
    public static ReadParquetSource ReadParquet(ReadParquetOptions options, StageContext context) => Make<ReadParquetSource>(options, context);

    public static ReadJsonlSource ReadJsonl(ReadJsonlOptions options, StageContext context) => Make<ReadJsonlSource>(options, context);

    public static GenerateProblemsSource GenerateProblems(GenerateProblemsOptions options, StageContext context) => Make<GenerateProblemsSource>(options, context);

    public static WriteParquetSink WriteParquet(WriteParquetOptions options, StageContext context) => Make<WriteParquetSink>(options, context);

    public static TrainTokenizerSink TrainTokenizer(TrainTokenizerOptions options, StageContext context) => Make<TrainTokenizerSink>(options, context);

    public static TokenizeMap Tokenize(TokenizeOptions options, StageContext context) => Make<TokenizeMap>(options, context);

    public static TokenizeStudentMap TokenizeStudent(TokenizeStudentOptions options, StageContext context) => Make<TokenizeStudentMap>(options, context);

    public static AlignMap Align(StageContext context) => Make<AlignMap>(new AlignOptions(), context);

    public static ScoreTeacherStream ScoreTeacher(ScoreTeacherOptions options, StageContext context) => Make<ScoreTeacherStream>(options, context);

    public static ImportScoresSource ImportScores(ImportScoresOptions options, StageContext context) => Make<ImportScoresSource>(options, context);

    public static WriteShardsSink WriteShards(WriteShardsOptions options, StageContext context) => Make<WriteShardsSink>(options, context);

    public static ReadShardsSource ReadShards(ReadShardsOptions options, StageContext context) => Make<ReadShardsSource>(options, context);

    /// <summary>Over shards that a test says the origin of.</summary>
    public static ReadShardsSource ReadShards(ReadShardsOptions options, StageContext context, IReadOnlyDictionary<string, string> expected)
        => (ReadShardsSource)ReadShardsSource.Registration(_ => expected, _ => expected).Create(options, context);

    public static RealignMap Realign(RealignOptions options, StageContext context) => Make<RealignMap>(options, context);

    public static BatchStream Batch(BatchOptions options, StageContext context) => Make<BatchStream>(options, context);

    public static UpdateStudentSink UpdateStudent(UpdateStudentOptions options, StageContext context) => Make<UpdateStudentSink>(options, context);

    public static ComputeBiasSink ComputeBias(ComputeBiasOptions options, StageContext context) => Make<ComputeBiasSink>(options, context);

    public static MatchTokensSource MatchTokens(StageContext context) => Make<MatchTokensSource>(new MatchTokensOptions(), context);

    public static WriteTokenMapSink WriteTokenMap(WriteTokenMapOptions options, StageContext context) => Make<WriteTokenMapSink>(options, context);

    public static EvaluateSink Evaluate(EvaluateOptions options, StageContext context) => Make<EvaluateSink>(options, context);

    public static ReadDemonstrationsSource ReadDemonstrations(ReadDemonstrationsOptions options, StageContext context) => Make<ReadDemonstrationsSource>(options, context);

    public static FitSeaSink FitSea(FitSeaOptions options, StageContext context) => Make<FitSeaSink>(options, context);

    public static ReadSeaSumsSource ReadSeaSums(ReadSeaSumsOptions options, StageContext context) => Make<ReadSeaSumsSource>(options, context);

    public static ProjectSeaSink ProjectSea(ProjectSeaOptions options, StageContext context) => Make<ProjectSeaSink>(options, context);

    public static ReadChoicesSource ReadChoices(ReadChoicesOptions options, StageContext context) => Make<ReadChoicesSource>(options, context);

    public static EvaluateChoicesSink EvaluateChoices(EvaluateChoicesOptions options, StageContext context) => Make<EvaluateChoicesSink>(options, context);

    public static ReadTasksSource ReadTasks(ReadTasksOptions options, StageContext context) => Make<ReadTasksSource>(options, context);

    public static JudgeTasksSink JudgeTasks(JudgeTasksOptions options, StageContext context) => Make<JudgeTasksSink>(options, context);

    public static GenerateTextStream GenerateText(GenerateTextOptions options, StageContext context) => Make<GenerateTextStream>(options, context);

    /// <summary>What stages with these options say to each other in one flow.</summary>
    public static FlowFacts Facts(params IEnumerable<object> options)
        => options.Aggregate(new FlowFacts(), (facts, o) => RowOf(o).AddFacts(o, facts));

    private static TStage Make<TStage>(object options, StageContext context) => (TStage)RowOf(options).Create(options, context);

    private static StageRegistration RowOf(object options) => StageTable.All.First(r => r.OptionsType == options.GetType());
}
