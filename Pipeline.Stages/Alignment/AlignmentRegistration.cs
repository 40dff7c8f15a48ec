using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Alignment;

public static class AlignmentRegistration
{
    public static StageRegistration Tokenize { get; } = StageRegistration.Map<TokenizeOptions, TextDocument, TokenizedPair>(
        "tokenize",
        "Tokenizes text or conversations with the teacher's and the student's tokenizer and checks that both stand for the same bytes.",
        TokenizeStage.Create) with { Needs = StageNeeds.Teacher | StageNeeds.Student };

    public static StageRegistration TokenizeStudent { get; } = StageRegistration.Map<TokenizeStudentOptions, TextDocument, Example>(
        "tokenize-student",
        "Tokenizes text or conversations with the student's tokenizer alone, for training without a teacher.",
        TokenizeStudentStage.Create) with { Needs = StageNeeds.Student };

    public static StageRegistration Align { get; } = StageRegistration.Map<AlignOptions, TokenizedPair, AlignedPair>(
        "align",
        "Finds the smallest pairs of token runs of both sides that end on the same byte.",
        static (_, context) => new AlignStage(context));
}
