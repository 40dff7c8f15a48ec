using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Alignment;

/// <summary>Documents under both tokenizers of a run.</summary>
internal sealed class TokenizeStage : IMap<TextDocument, TokenizedPair>, IFingerprinted
{
    private readonly DocumentTokenizer _text;
    private readonly ConversationTokenizer _chat;

    private TokenizeStage(ChatSide teacher, ChatSide student, TokenizationRule rule, StageContext context)
    {
        _text = new DocumentTokenizer([teacher.Tokenizer, student.Tokenizer], rule, context.Meter);
        _chat = new ConversationTokenizer([teacher, student], rule, context.Meter);
        Fingerprint = new Dictionary<string, string>
        {
            ["teacher tokenizer"] = teacher.Tokenizer.Fingerprint,
            ["student tokenizer"] = student.Tokenizer.Fingerprint,
            ["templates"] = $"{teacher.TemplateFingerprint} {student.TemplateFingerprint}",
            ["limits"] = rule.ToString(),
        };
    }

    public IReadOnlyDictionary<string, string> Fingerprint { get; }

    public static TokenizeStage Create(TokenizeOptions options, StageContext context)
        => new(ChatSides.Teacher(context), ChatSides.Student(context), TokenizationRule.Of(options), context);

    public IReadOnlyList<TokenizedPair> Map(TextDocument input)
    {
        IReadOnlyList<DocumentPart> parts = input.Messages is null ? _text.Tokenize(input.Id, input.Text) : [_chat.Tokenize(input.Id, input.Messages)];
        return [.. parts.Select(p => new TokenizedPair(p.Id, p.Text, p.Sides[0], p.Sides[1]))];
    }
}
