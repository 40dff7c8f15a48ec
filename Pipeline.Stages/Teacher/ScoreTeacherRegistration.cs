using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

public static class ScoreTeacherRegistration
{
    public static StageRegistration Stage { get; } = StageRegistration.Stream<ScoreTeacherOptions, AlignedPair, Example>(
        "score-teacher",
        "Runs the teacher once and keeps two numbers per teacher token: the log-likelihood of the token and the log boundary mass after it.",
        static (o, c) => new ScoreTeacherStage(o, c.StageName, c.Service<TeacherStore>().Get(c), RunSite.Of(c), c.Facts, c.Meter)) with
    { Needs = StageNeeds.Teacher };
}
