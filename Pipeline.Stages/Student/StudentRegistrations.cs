using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Student;

public static class StudentRegistrations
{
    public static StageRegistration Batch { get; } = StageRegistration.Stream<BatchOptions, OrderedExample, StudentBatch>(
        "batch",
        "Puts examples of like length together to batches of at most so many student tokens.",
        static (options, context) => new BatchStage(options, context));

    public static StageRegistration Update { get; } = StageRegistration.Sink<UpdateStudentOptions, StudentBatch>(
        "update-student",
        "Trains the student on the objectives and writes it as a Hugging Face folder.",
        static (options, context) => new UpdateStudentStage(options, context)) with { Needs = StageNeeds.Student };

    public static StageRegistration Realign { get; } = StageRegistration.Map<RealignOptions, OrderedExample, Example>(
        "realign",
        "Gives examples of existing shards another student tokenizer, without the teacher; for write-shards.",
        static (options, context) => new RealignStage(options, context)) with { Needs = StageNeeds.Teacher | StageNeeds.Student };
}
