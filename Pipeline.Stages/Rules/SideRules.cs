using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Rules;

/// <summary>Checks before the run that the models and tokenizers of the two sides can be read.</summary>
internal static class SideRules
{
    /// <summary>Checks the teacher's folder, if its backend reads one, and its tokenizer.</summary>
    public static IEnumerable<RuleFinding> Teacher(StageContext context)
    {
        if (context.Definition.Teacher is not { } teacher)
            return [];
        RuleFinding[] faults = teacher.Backend == TeacherDefinition.DefaultBackend ? [.. OfRun(ModelFolderRules.Of("teacher.model", teacher.Model, context).Concat(ModelFolderRules.Edit("teacher.edit", teacher.Edit, context)))] : [];
        return faults.Any(f => !f.IsWarning) ? faults : faults.Concat(TeacherTokenizer(context));
    }

    /// <summary>Checks the teacher's tokenizer, if there is a teacher.</summary>
    public static IEnumerable<RuleFinding> TeacherTokenizer(StageContext context) => context.Definition.Teacher is { } teacher
        ? OfRun(Tokenizer(teacher.Tokenizer is null ? "teacher.model" : "teacher.tokenizer", teacher.Tokenizer, teacher.Model, context))
        : [];

    /// <summary>Checks the student's tokenizer, if there is a student.</summary>
    public static IEnumerable<RuleFinding> StudentTokenizer(StageContext context) => context.Definition.Student is { } student
        ? OfRun(Tokenizer(student.Tokenizer is null ? "student.model" : "student.tokenizer", student.Tokenizer, student.Model, context))
        : [];

    /// <summary>Checks both tokenizers.</summary>
    public static IEnumerable<RuleFinding> Tokenizers(StageContext context) => TeacherTokenizer(context).Concat(StudentTokenizer(context));

    /// <summary>Checks a tokenizer.</summary>
    /// <param name="key">The key that names it.</param>
    /// <param name="tokenizer">Its path in the definition; null for the model's own.</param>
    /// <param name="model">The model's path in the definition; null where there is none.</param>
    /// <param name="context">The stage that needs it.</param>
    public static IEnumerable<RuleFinding> Tokenizer(string key, string? tokenizer, string? model, StageContext context)
    {
        if (tokenizer is null && model is null)
            return [new RuleFinding(key, $"'{key}' is missing: a student that starts from a config needs a tokenizer")];
        string? fault = (tokenizer == TextTokenizer.BytesPath ? model : tokenizer ?? model) is { } path and not TextTokenizer.BytesPath ? FaultOfPlace(path, context) : null;
        // If no flow writes the place that is named, the definition is wrong. If a file is missing or is not what it should be, the input is.
        bool isInput = fault is null || !(tokenizer ?? model!).StartsWith(RunPaths.RunPrefix, StringComparison.Ordinal);
        if (fault is null)
        {
            try
            {
                _ = new KnownModels(context).TokenizerOf(new StudentDefinition { Tokenizer = tokenizer, Model = model });
            }
            catch (InputException e)
            {
                fault = e.Message;
            }
        }
        return fault is null ? [] : [new RuleFinding(key, $"'{key}': {fault}") { IsInput = isInput }];
    }

    private static string? FaultOfPlace(string path, StageContext context)
    {
        if (RunNames.Fault(path, context, OutputKind.Tokenizer, OutputKind.Model) is { } fault)
            return fault;
        string full = RunPaths.Input(context.RunFolder, path);
        return RunNames.Find(path, context) is null && !context.Storage.DirectoryExists(full) && !context.Storage.FileExists(full) ? ModelFolderRules.Missing(full) : null;
    }

    /// <summary>Marks findings as being about keys of the definition itself, not about keys of a stage.</summary>
    public static IEnumerable<RuleFinding> OfRun(IEnumerable<RuleFinding> findings) => findings.Select(f => f with { OfRun = true });
}
