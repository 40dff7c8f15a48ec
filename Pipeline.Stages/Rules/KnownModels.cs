using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Rules;

/// <summary>
/// Finds the configurations and tokenizers of the models that a definition names, as far as they are known before the run. Folders that exist are read. For
/// a student that an earlier flow will train, they follow from what the student begins with. Null means "not known yet".
/// </summary>
internal sealed class KnownModels(StageContext context)
{
    private readonly RunSite _run = RunSite.Of(context);

    /// <summary>The configuration of the model at a path: a folder, a config.json or <c>run:NAME</c>.</summary>
    /// <exception cref="Contracts.Errors.InputException">It exists but cannot be read.</exception>
    public ModelConfig? Config(string path) => Config(path, context.Facts.Index);

    /// <summary>The tokenizer at a path: a folder, a file, <c>bytes</c> or <c>run:NAME</c>.</summary>
    /// <exception cref="Contracts.Errors.InputException">It exists but cannot be read.</exception>
    public TextTokenizer? Tokenizer(string path) => Tokenizer(path, context.Facts.Index);

    /// <summary>The configuration that a student begins with, with the vocabulary of its own tokenizer.</summary>
    /// <exception cref="Contracts.Errors.InputException">It exists but cannot be read.</exception>
    public ModelConfig? ConfigOf(StudentDefinition student) => ConfigOf(student, context.Facts.Index);

    /// <summary>A student's tokenizer.</summary>
    /// <exception cref="Contracts.Errors.InputException">It exists but cannot be read.</exception>
    public TextTokenizer? TokenizerOf(StudentDefinition student) => TokenizerOf(student.Tokenizer, student.Model, context.Facts.Index);

    /// <summary>The teacher's tokenizer.</summary>
    /// <exception cref="Contracts.Errors.InputException">It exists but cannot be read.</exception>
    public TextTokenizer? TokenizerOf(TeacherDefinition teacher) => TokenizerOf(teacher.Tokenizer, teacher.Model, context.Facts.Index);

    private ModelConfig? Config(string path, int before)
    {
        if (Made(path, before) is { } made)
            return (made.Output.Student ?? context.Definition.Student) is { } student ? ConfigOf(student, made.Index) : null;
        string full = _run.Input(path);
        if (!_run.Storage.FileExists(full))
            return ModelConfig.Load(full, _run.Storage);
        using var reader = new StreamReader(_run.Storage.OpenRead(full));
        return ModelConfig.Parse(reader.ReadToEnd(), full);
    }

    private ModelConfig? ConfigOf(StudentDefinition student, int before)
    {
        if ((student.Model ?? student.Config) is not { } path || Config(path, before) is not { } begun || TokenizerOf(student.Tokenizer, student.Model, before) is not { } tokenizer)
            return null;
        bool keeps = student.Model is not null && (student.Tokenizer is null || EmbeddingChoice.Parse(student.Embeddings).Kind == EmbeddingInitialisation.Keep);
        bool untie = student.Untie ?? (!keeps && student.Tokenizer == TextTokenizer.BytesPath);
        return begun with { VocabularySize = keeps ? begun.VocabularySize : tokenizer.VocabularySize, TieWordEmbeddings = begun.TieWordEmbeddings && !untie };
    }

    private TextTokenizer? TokenizerOf(string? tokenizer, string? model, int before)
    {
        if (tokenizer != TextTokenizer.BytesPath)
            return (tokenizer ?? model) is { } path ? Tokenizer(path, before) : null;
        if (model is null)
            return _run.Tokenizers.Get(TextTokenizer.BytesPath);
        return Tokenizer(model, before) is { } original ? SideTokenizers.BytesWithSpecialsOf(original) : null;
    }

    private TextTokenizer? Tokenizer(string path, int before)
    {
        if (path == TextTokenizer.BytesPath)
            return _run.Tokenizers.Get(path);
        if (Made(path, before) is not { } made)
            return _run.Tokenizers.Get(_run.Input(path));
        return made.Output.Kind == OutputKind.Model && (made.Output.Student ?? context.Definition.Student) is { } student
            ? TokenizerOf(student.Tokenizer, student.Model, made.Index)
            : null;
    }

    // The flow before a given one that makes a run:NAME. A student may begin as another student of the same run, so this is asked flow by flow, backwards.
    private FlowOutput? Made(string path, int before) => RunNames.Find(path, context with { Facts = context.Facts with { Index = before } });
}
