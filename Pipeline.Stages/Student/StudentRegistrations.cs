using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

public static class StudentRegistrations
{
    public static StageRegistration Batch { get; } = StageRegistration.Stream<BatchOptions, OrderedExample, StudentBatch>(
        "batch",
        "Puts examples of like length together to batches of at most so many student tokens.",
        static (o, c) => new BatchStage(o, c.Definition.Seed, c.Resume.Batch, c.Meter, c.Rejects))
        .Telling<BatchOptions>(static (o, facts) => facts with { BatchTokens = o.Tokens });

    public static StageRegistration Update { get; } = StageRegistration.Sink<UpdateStudentOptions, StudentBatch>(
        "update-student",
        "Trains the student on the objectives and writes it as a Hugging Face folder.",
        static (o, c) => new UpdateStudentStage(
            o, c.StageName, RunSite.Of(c), c.Facts, c.Service<TorchDevice>(), c.Service<TeacherStore>(), () => c.Service<TeacherStore>().Get(c), c.Meter, c.StopRequested, c.Service<IRanks>()))
        .Telling<UpdateStudentOptions>(static (o, facts) => facts with { Student = o.Student })
        .Writing<UpdateStudentOptions>(Outputs) with
    { Needs = StageNeeds.Student, IsRanked = true };

    public static StageRegistration Realign { get; } = StageRegistration.Map<RealignOptions, OrderedExample, Example>(
        "realign",
        "Gives examples of existing shards another student tokenizer, without the teacher; for write-shards.",
        static (o, c) => new RealignStage(o, c.StageName, RunSite.Of(c), c.Meter))
        .Telling<RealignOptions>(static (_, facts) => facts with { ReplacedParts = [FingerprintPart.StudentTokenizer, FingerprintPart.Templates] }) with
    { Needs = StageNeeds.Teacher | StageNeeds.Student };

    private static IEnumerable<StageOutput> Outputs(UpdateStudentOptions options)
    {
        StageOutput Model(string to, bool isBeginning = false) => new("to", to, OutputKind.Model) { Student = options.Student, IsBeginning = isBeginning };
        yield return Model(options.To);
        yield return Model(InitialStudent.NameOf(options.To), isBeginning: true);
        if (options.ExportWithoutExpansion) yield return Model(options.To + StudentExport.PlainSuffix);
        if (options.ExportAdapter) yield return new StageOutput("to", options.To + StudentExport.AdapterSuffix, OutputKind.Adapter);
        yield return TrainingCheckpoints.Output(options.To);
    }
}
