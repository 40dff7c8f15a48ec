using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>A model on disk: its name in the report, its folder, and where its tokenizer is.</summary>
/// <param name="Name">The name, unique in a report.</param>
/// <param name="Folder">The full path of the Hugging Face folder.</param>
/// <param name="Tokenizer">The full path of the tokenizer, or <c>bytes</c>.</param>
/// <param name="Edit">The full path of an edit of its activations. Null for the edit that the folder itself has, if any.</param>
internal sealed record ModelPlace(string Name, string Folder, string Tokenizer, string? Edit = null)
{
    /// <summary>The name by which options refer to the definition's teacher.</summary>
    public const string Teacher = "teacher";

    /// <summary>The name of the student before training, which is also the name of its folder in the run folder.</summary>
    public const string StudentInitial = InitialStudent.Name;

    /// <summary>Finds where a model of the options is. Does not look whether it exists.</summary>
    /// <exception cref="DefinitionException">The model is the teacher, and the definition has none or one that is not a Hugging Face folder.</exception>
    public static ModelPlace Resolve(EvaluatedModel model, RunDefinition definition, string runFolder)
    {
        string name = model.Title;
        if (model.Model == Teacher)
        {
            TeacherDefinition teacher = definition.Teacher
                ?? throw new DefinitionException($"evaluate: model '{name}' is the teacher, but the definition has none");
            if (teacher.Backend != TeacherDefinition.DefaultBackend)
                throw new DefinitionException($"evaluate: model '{name}' is the teacher, of backend '{teacher.Backend}'; only Hugging Face folders can be evaluated: name one, or leave it out");
            return At(name, RunPaths.Input(runFolder, teacher.Model), model.Tokenizer ?? teacher.Tokenizer, model.Edit ?? teacher.Edit, runFolder);
        }
        string path = model.Model == StudentInitial ? $"run:{StudentInitial}" : model.Model;
        return At(name, RunPaths.Input(runFolder, path), model.Tokenizer, model.Edit, runFolder);
    }

    private static ModelPlace At(string name, string folder, string? tokenizer, string? edit, string runFolder) => new(
        name, folder, tokenizer is null ? folder : tokenizer == TextTokenizer.BytesPath ? tokenizer : RunPaths.Input(runFolder, tokenizer),
        edit is null ? null : RunPaths.Input(runFolder, edit));
}
