using Pipeline.Stages.Chat;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Documents;

/// <summary>One side of a conversation: its tokenizer, and the chat template in the same folder.</summary>
/// <param name="Name">Names the side in errors: a path.</param>
/// <param name="Template">The template's source; null when the tokenizer has none.</param>
internal sealed record ChatSide(TextTokenizer Tokenizer, string Name, string? Template)
{
    /// <summary>The special tokens that a template may write.</summary>
    public IReadOnlyDictionary<string, string> Marks { get; } = MarksOf(Tokenizer);

    public string TemplateFingerprint => Template is null ? "none" : ChatTemplate.FingerprintOf(Template);

    private static Dictionary<string, string> MarksOf(TextTokenizer tokenizer)
    {
        Dictionary<string, string> marks = new(StringComparer.Ordinal);
        foreach ((string mark, int? otherwise) in new[] { ("bos", tokenizer.BosId), ("eos", tokenizer.EosId), ("pad", tokenizer.PadId), ("unk", null) })
        {
            if (tokenizer.MarkText(mark, otherwise) is { } text)
                marks[$"{mark}_token"] = text;
        }
        return marks;
    }
}

/// <summary>The sides of a run. A side of bytes speaks the template of its model's own tokenizer, whose special tokens it has.</summary>
internal static class ChatSides
{
    public static ChatSide Teacher(RunSite run)
        => Of(SideTokenizers.Teacher(run), SideTokenizers.TeacherTemplatePath(run), run);

    public static ChatSide Student(RunSite run)
        => Of(SideTokenizers.Student(run), SideTokenizers.StudentTemplatePath(run), run);

    /// <param name="tokenizer">Of the side.</param>
    /// <param name="path">The folder or file whose chat template the side has; null: none.</param>
    /// <param name="run">Where files are.</param>
    public static ChatSide Of(TextTokenizer tokenizer, string? path, RunSite run)
        => new(tokenizer, path ?? "bytes", path is null ? null : ChatTemplate.Find(path, run.Storage));
}
