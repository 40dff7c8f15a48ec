using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Sides;

/// <summary>
/// Decides which tokenizer each side has: the one that its definition names, or else its model's own. The name <c>"bytes"</c> means one token for each
/// byte, together with the special tokens of the model's own tokenizer, so that bos, eos, pad and the special tokens of a template keep their meaning.
/// </summary>
internal static class SideTokenizers
{
    private const string Bytes = "bytes";

    /// <summary>The teacher's tokenizer.</summary>
    /// <exception cref="DefinitionException">The run has no teacher.</exception>
    public static TextTokenizer Teacher(RunSite run)
    {
        TeacherDefinition teacher = run.Definition.Teacher
            ?? throw new DefinitionException("the run has no \"teacher\"; name its model, or use stages that need none, such as tokenize-student");
        return Resolve(teacher.Tokenizer, teacher.Model, run);
    }

    /// <summary>The student's tokenizer.</summary>
    /// <exception cref="DefinitionException">The run has no student, or the student has neither a model nor a tokenizer.</exception>
    public static TextTokenizer Student(RunSite run)
    {
        StudentDefinition student = run.Definition.Student
            ?? throw new DefinitionException("the run has no \"student\"; name its model, or its config and its tokenizer");
        if (student.Tokenizer is null && student.Model is null)
            throw new DefinitionException("the student has neither \"model\" nor \"tokenizer\"; a student that starts from a config needs a tokenizer");
        return Resolve(student.Tokenizer, student.Model, run);
    }

    /// <summary>
    /// The full path of the folder or file that the teacher's chat template comes from: the one of its tokenizer, or of its model if it reads bytes.
    /// </summary>
    internal static string TeacherTemplatePath(RunSite run)
        => TemplatePath(run.Definition.Teacher!.Tokenizer, run.Definition.Teacher.Model, run)!;

    /// <summary>The same for the student; null if it reads bytes and has no model.</summary>
    internal static string? StudentTemplatePath(RunSite run)
        => TemplatePath(run.Definition.Student!.Tokenizer, run.Definition.Student.Model, run);

    /// <summary>A tokenizer with one token for each byte, followed by the special tokens of another tokenizer in the order of their ids.</summary>
    public static TextTokenizer BytesWithSpecialsOf(TextTokenizer original)
        => TextTokenizer.Bytes(
            [.. original.SpecialIds.Order().Select(id => original.TokenOf(id)!)],
            Name(original, original.BosId),
            Name(original, original.EosId),
            Name(original, original.PadId));

    private static TextTokenizer Resolve(string? tokenizer, string? model, RunSite run)
    {
        if (tokenizer != Bytes)
            return run.Tokenizers.Get(run.Input(tokenizer ?? model!));
        return model is null ? run.Tokenizers.Get(Bytes) : BytesWithSpecialsOf(run.Tokenizers.Get(run.Input(model)));
    }

    private static string? TemplatePath(string? tokenizer, string? model, RunSite run)
    {
        string? path = tokenizer is null or Bytes ? model : tokenizer;
        return path is null ? null : run.Input(path);
    }

    private static string? Name(TextTokenizer tokenizer, int? id) => id is { } known ? tokenizer.TokenOf(known) : null;
}
