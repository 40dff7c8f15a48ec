using Pipeline.Stages.Alignment;
using Pipeline.Stages.Sides;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Rules;

namespace Pipeline.Stages.Documents;

/// <summary>Tokenizes documents with both tokenizers of a run, and finds the chunks where the two meet.</summary>
internal sealed class TokenizeMap : IMap<TextDocument, AlignedPair>, IFingerprinted
{
    private readonly DocumentTokenizer<AlignedPair> _text;
    private readonly IStageMeter _meter;
    private readonly ConversationTokenizer<AlignedPair> _chat;

    public TokenizeMap(ChatSide teacher, ChatSide student, TokenizationRule rule, IStageMeter meter)
    {
        _meter = meter;
        _text = new DocumentTokenizer<AlignedPair>([teacher.Tokenizer, student.Tokenizer], rule, Align, meter);
        _chat = new ConversationTokenizer<AlignedPair>([teacher, student], rule, Align, meter);
        Fingerprint = new Dictionary<string, string>
        {
            [FingerprintPart.TeacherTokenizer] = teacher.Tokenizer.Fingerprint,
            [FingerprintPart.StudentTokenizer] = student.Tokenizer.Fingerprint,
            [FingerprintPart.Templates] = $"{teacher.TemplateFingerprint} {student.TemplateFingerprint}",
            [FingerprintPart.Limits] = rule.ToString(),
        };
    }

    public static StageRegistration Registration { get; } = StageRegistration.Map<TokenizeOptions, TextDocument, AlignedPair, TokenizeMap>(
        "tokenize",
        "Tokenizes text or conversations with the teacher's and the student's tokenizer, checks that both spell the same bytes, and finds the chunks where they meet.",
        static (o, c) => new TokenizeMap(ChatSides.Teacher(RunSite.Of(c)), ChatSides.Student(RunSite.Of(c)), TokenizationRule.Of(o), c.Meter))
        .Telling<TokenizeOptions>(static (o, facts) => facts with { MaxTeacherTokens = o.MaxTeacherTokens, MaxStudentTokens = o.StudentLimit })
        .Ruled<TokenizeOptions>(static (o, c) => SideRules.Tokenizers(c)
            .Concat(PositionRules.Teacher("maxTeacherTokens", o.MaxTeacherTokens, c)).Concat(PositionRules.Student("maxStudentTokens", o.StudentLimit, c))) with
    { Needs = StageNeeds.Teacher | StageNeeds.Student };

    public IReadOnlyDictionary<string, string> Fingerprint { get; }

    public IReadOnlyList<AlignedPair> Map(TextDocument input)
        => input.Messages is null ? _text.Tokenize(input.Id, input.Text) : [_chat.Tokenize(input.Id, input.Messages, input.Fields)];

    private AlignedPair Align(DocumentId id, string text, TokenSequence[] sides)
    {
        (TokenSequence teacher, TokenSequence student) = (sides[0], sides[1]);
        teacher.Validate();
        student.Validate();
        Chunk[] chunks = ChunkAligner.Align(teacher, student);
        _meter.Count("teacherTokens", teacher.Count);
        _meter.Count("studentTokens", student.Count);
        _meter.Count("chunks", chunks.Length);
        return new AlignedPair(id, text, teacher, student, chunks);
    }
}
