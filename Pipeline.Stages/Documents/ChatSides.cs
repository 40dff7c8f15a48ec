using Pipeline.Stages.Chat;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Documents;

/// <summary>One side (teacher or student) as conversations need it: its tokenizer, and its chat template.</summary>
/// <param name="Tokenizer">The side's tokenizer.</param>
/// <param name="Name">The path that names the side in errors.</param>
/// <param name="Template">The source of the template in Jinja, or null if the tokenizer has none.</param>
internal sealed record ChatSide(TextTokenizer Tokenizer, string Name, string? Template)
{
    /// <summary>The texts of the special tokens that a template may write, by variable (<c>bos_token</c>, ...).</summary>
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

/// <summary>
/// Makes the two sides of a run. A side with a tokenizer of bytes uses the template of its model's own tokenizer, and has the special tokens of that.
/// </summary>
internal static class ChatSides
{
    public static ChatSide Teacher(RunSite run)
        => Of(SideTokenizers.Teacher(run), SideTokenizers.TeacherTemplatePath(run), run);

    public static ChatSide Student(RunSite run)
        => Of(SideTokenizers.Student(run), SideTokenizers.StudentTemplatePath(run), run);

    /// <summary>A side with the chat template of a path.</summary>
    /// <param name="tokenizer">The side's tokenizer.</param>
    /// <param name="path">The folder or file with the chat template, or null for none.</param>
    /// <param name="run">Gives access to files.</param>
    public static ChatSide Of(TextTokenizer tokenizer, string? path, RunSite run)
        => new(tokenizer, path ?? "bytes", path is null ? null : ChatTemplate.Find(path, run.Storage));
}
