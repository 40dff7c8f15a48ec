using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Alignment;

/// <summary>Documents under the student's tokenizer alone: examples without a teacher.</summary>
internal sealed class TokenizeStudentStage : IMap<TextDocument, Example>, IFingerprinted
{
    private readonly DocumentTokenizer _text;
    private readonly ConversationTokenizer _chat;

    private TokenizeStudentStage(ChatSide student, TokenizationRule rule, StageContext context)
    {
        _text = new DocumentTokenizer([student.Tokenizer], rule, context.Meter);
        _chat = new ConversationTokenizer([student], rule, context.Meter);
        Fingerprint = new Dictionary<string, string>
        {
            ["student tokenizer"] = student.Tokenizer.Fingerprint,
            ["templates"] = student.TemplateFingerprint,
            ["limits"] = rule.ToString(),
        };
    }

    public IReadOnlyDictionary<string, string> Fingerprint { get; }

    public static TokenizeStudentStage Create(TokenizeStudentOptions options, StageContext context)
        => new(ChatSides.Student(context), TokenizationRule.Of(options), context);

    public IReadOnlyList<Example> Map(TextDocument input)
    {
        IReadOnlyList<DocumentPart> parts = input.Messages is null ? _text.Tokenize(input.Id, input.Text) : [_chat.Tokenize(input.Id, input.Messages)];
        return [.. parts.Select(p => new Example(p.Id, p.Text, p.Sides[0], null, []))];
    }
}
