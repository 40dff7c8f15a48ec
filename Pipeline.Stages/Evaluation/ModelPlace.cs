using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>A model that lies on disk: its name in the report, its folder, and where its tokenizer is.</summary>
/// <param name="Name">Unique in a report.</param>
/// <param name="Folder">Full path.</param>
/// <param name="Tokenizer">Full path, or <c>bytes</c>.</param>
/// <param name="Edit">Full path of an edit of its activations; null: the folder's own, where it has one.</param>
internal sealed record ModelPlace(string Name, string Folder, string Tokenizer, string? Edit = null)
{
    /// <summary>The definition's teacher, by its folder.</summary>
    public const string Teacher = "teacher";

    /// <summary>The student before training, exported below the run folder under this name.</summary>
    public const string StudentInitial = InitialStudent.Name;

    /// <exception cref="DefinitionException">It names the teacher of a definition without one.</exception>
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
