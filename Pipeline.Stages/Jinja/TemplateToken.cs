namespace Pipeline.Stages.Jinja;

internal enum TemplateTokenKind
{
    /// <summary>Text outside tags.</summary>
    Text,
    OutputStart,
    OutputEnd,
    BlockStart,
    BlockEnd,
    Name,
    String,
    Number,
    Operator,
    End,
}

internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Value, int Line);
