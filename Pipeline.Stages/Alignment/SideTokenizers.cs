using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Alignment;

/// <summary>
/// Which tokenizer each side has: the one its definition names, else its model's own. <c>"bytes"</c> is one token per byte and keeps the
/// special tokens of the model's own tokenizer, so that bos, eos, pad and a template's marks go on meaning what they meant.
/// </summary>
public static class SideTokenizers
{
    private const string Bytes = "bytes";

    /// <exception cref="DefinitionException">The run has no teacher.</exception>
    public static TextTokenizer Teacher(StageContext context)
        => Teacher(context.Definition, context.RunFolder, context.Service<TokenizerStore>());

    /// <exception cref="DefinitionException">The run has no student, or the student has neither a model nor a tokenizer.</exception>
    public static TextTokenizer Student(StageContext context)
        => Student(context.Definition, context.RunFolder, context.Service<TokenizerStore>());

    public static TextTokenizer Teacher(RunDefinition definition, string runFolder, TokenizerStore store)
    {
        TeacherDefinition teacher = definition.Teacher
            ?? throw new DefinitionException("the run has no \"teacher\"; name its model, or use stages that need none (tokenize-student)");
        return Resolve(teacher.Tokenizer, teacher.Model, runFolder, store);
    }

    public static TextTokenizer Student(RunDefinition definition, string runFolder, TokenizerStore store)
    {
        StudentDefinition student = definition.Student
            ?? throw new DefinitionException("the run has no \"student\"; name its model, or its config and its tokenizer");
        if (student.Tokenizer is null && student.Model is null)
            throw new DefinitionException("the student has neither \"model\" nor \"tokenizer\"; a student that begins from a config needs a tokenizer");
        return Resolve(student.Tokenizer, student.Model, runFolder, store);
    }

    /// <summary>The folder or file whose chat template the teacher has: that of its tokenizer.</summary>
    internal static string TeacherTemplatePath(StageContext context)
        => TemplatePath(context.Definition.Teacher!.Tokenizer, context.Definition.Teacher.Model, context.RunFolder)!;

    /// <summary>The same for the student; null for bytes without a model.</summary>
    internal static string? StudentTemplatePath(StageContext context)
        => TemplatePath(context.Definition.Student!.Tokenizer, context.Definition.Student.Model, context.RunFolder);

    /// <summary>One token per byte with the special tokens of another tokenizer, in the order of their ids.</summary>
    public static TextTokenizer BytesWithSpecialsOf(TextTokenizer original)
        => TextTokenizer.Bytes(
            [.. original.SpecialIds.Order().Select(id => original.TokenOf(id)!)],
            Name(original, original.BosId),
            Name(original, original.EosId),
            Name(original, original.PadId));

    private static TextTokenizer Resolve(string? tokenizer, string? model, string runFolder, TokenizerStore store)
    {
        if (tokenizer != Bytes)
            return store.Get(RunPaths.Input(runFolder, tokenizer ?? model!));
        return model is null ? store.Get(Bytes) : BytesWithSpecialsOf(store.Get(RunPaths.Input(runFolder, model)));
    }

    private static string? TemplatePath(string? tokenizer, string? model, string runFolder)
    {
        string? path = tokenizer is null or Bytes ? model : tokenizer;
        return path is null ? null : RunPaths.Input(runFolder, path);
    }

    private static string? Name(TextTokenizer tokenizer, int? id) => id is { } known ? tokenizer.TokenOf(known) : null;
}
