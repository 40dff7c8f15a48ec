using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Documents;

public static class AlignmentRegistration
{
    public static StageRegistration Tokenize { get; } = StageRegistration.Map<TokenizeOptions, TextDocument, TokenizedPair>(
        "tokenize",
        "Tokenizes text or conversations with the teacher's and the student's tokenizer and checks that both stand for the same bytes.",
        static (o, c) => new TokenizeStage(ChatSides.Teacher(RunSite.Of(c)), ChatSides.Student(RunSite.Of(c)), TokenizationRule.Of(o), c.Meter))
        .Telling<TokenizeOptions>(static (o, facts) => facts with { MaxTeacherTokens = o.MaxTeacherTokens, MaxStudentTokens = o.StudentLimit }) with
    { Needs = StageNeeds.Teacher | StageNeeds.Student };

    public static StageRegistration TokenizeStudent { get; } = StageRegistration.Map<TokenizeStudentOptions, TextDocument, Example>(
        "tokenize-student",
        "Tokenizes text or conversations with the student's tokenizer alone, for training without a teacher.",
        static (o, c) => new TokenizeStudentStage(ChatSides.Student(RunSite.Of(c)), TokenizationRule.Of(o), c.Meter))
        .Telling<TokenizeStudentOptions>(static (o, facts) => facts with { MaxStudentTokens = o.MaxStudentTokens }) with
    { Needs = StageNeeds.Student };

    public static StageRegistration Align { get; } = StageRegistration.Map<AlignOptions, TokenizedPair, AlignedPair>(
        "align",
        "Finds the smallest pairs of token runs of both sides that end on the same byte.",
        static (_, c) => new AlignStage(c.Meter));
}
