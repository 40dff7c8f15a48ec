using Pipeline.Stages.Sides;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Rules;

namespace Pipeline.Stages.Documents;

/// <summary>Documents under both tokenizers of a run.</summary>
internal sealed class TokenizeMap : IMap<TextDocument, TokenizedPair>, IFingerprinted
{
    private readonly DocumentTokenizer _text;
    private readonly ConversationTokenizer _chat;

    public TokenizeMap(ChatSide teacher, ChatSide student, TokenizationRule rule, IStageMeter meter)
    {
        _text = new DocumentTokenizer([teacher.Tokenizer, student.Tokenizer], rule, meter);
        _chat = new ConversationTokenizer([teacher, student], rule, meter);
        Fingerprint = new Dictionary<string, string>
        {
            [FingerprintPart.TeacherTokenizer] = teacher.Tokenizer.Fingerprint,
            [FingerprintPart.StudentTokenizer] = student.Tokenizer.Fingerprint,
            [FingerprintPart.Templates] = $"{teacher.TemplateFingerprint} {student.TemplateFingerprint}",
            [FingerprintPart.Limits] = rule.ToString(),
        };
    }

    public static StageRegistration Registration { get; } = StageRegistration.Map<TokenizeOptions, TextDocument, TokenizedPair, TokenizeMap>(
        "tokenize",
        "Tokenizes text or conversations with the teacher's and the student's tokenizer and checks that both stand for the same bytes.",
        static (o, c) => new TokenizeMap(ChatSides.Teacher(RunSite.Of(c)), ChatSides.Student(RunSite.Of(c)), TokenizationRule.Of(o), c.Meter))
        .Telling<TokenizeOptions>(static (o, facts) => facts with { MaxTeacherTokens = o.MaxTeacherTokens, MaxStudentTokens = o.StudentLimit })
        .Ruled<TokenizeOptions>(static (_, c) => SideRules.Tokenizers(c)) with
    { Needs = StageNeeds.Teacher | StageNeeds.Student };

    public IReadOnlyDictionary<string, string> Fingerprint { get; }

    public IReadOnlyList<TokenizedPair> Map(TextDocument input)
    {
        IReadOnlyList<DocumentPart> parts = input.Messages is null ? _text.Tokenize(input.Id, input.Text) : [_chat.Tokenize(input.Id, input.Messages, input.Fields)];
        return [.. parts.Select(p => new TokenizedPair(p.Id, p.Text, p.Sides[0], p.Sides[1]))];
    }
}
