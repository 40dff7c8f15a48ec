using Pipeline.Stages.Sides;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Rules;

namespace Pipeline.Stages.Documents;

/// <summary>Tokenizes documents with the student's tokenizer alone, into examples without a teacher.</summary>
internal sealed class TokenizeStudentMap : IMap<TextDocument, Example>, IFingerprinted
{
    private readonly DocumentTokenizer<Example> _text;
    private readonly ConversationTokenizer<Example> _chat;

    public TokenizeStudentMap(ChatSide student, TokenizationRule rule, IStageMeter meter)
    {
        _text = new DocumentTokenizer<Example>([student.Tokenizer], rule, Make, meter);
        _chat = new ConversationTokenizer<Example>([student], rule, Make, meter);
        Fingerprint = new Dictionary<string, string>
        {
            [FingerprintPart.StudentTokenizer] = student.Tokenizer.Fingerprint,
            [FingerprintPart.Templates] = student.TemplateFingerprint,
            [FingerprintPart.Limits] = rule.ToString(),
        };
    }

    public static StageRegistration Registration { get; } = StageRegistration.Map<TokenizeStudentOptions, TextDocument, Example, TokenizeStudentMap>(
        "tokenize-student",
        "Tokenizes text or conversations with the student's tokenizer only, for training without a teacher.",
        static (o, c) => new TokenizeStudentMap(ChatSides.Student(RunSite.Of(c)), TokenizationRule.Of(o), c.Meter))
        .Telling<TokenizeStudentOptions>(static (o, facts) => facts with { MaxStudentTokens = o.MaxStudentTokens })
        .Ruled<TokenizeStudentOptions>(static (o, c) => SideRules.StudentTokenizer(c)
            .Concat(PositionRules.Student("maxStudentTokens", o.MaxStudentTokens, c))) with
    { Needs = StageNeeds.Student };

    public IReadOnlyDictionary<string, string> Fingerprint { get; }

    public IReadOnlyList<Example> Map(TextDocument input)
        => input.Messages is null ? _text.Tokenize(input.Id, input.Text) : [_chat.Tokenize(input.Id, input.Messages, input.Fields)];

    private static Example Make(DocumentId id, string text, TokenSequence[] sides) => new(id, text, sides[0], null, []);
}
