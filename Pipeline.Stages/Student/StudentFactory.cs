using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Makes the student as it is before training. The result depends only on the definition and the files that it names, so that a run that continues
/// can make it again. To be used on the device's thread.
/// </summary>
internal static class StudentFactory
{
    /// <summary>The student of a run, without trained weights.</summary>
    /// <exception cref="DefinitionException">The definition has no student, or one that contradicts itself.</exception>
    /// <exception cref="InputException">A file that it names does not exist, or does not fit.</exception>
    public static LanguageModel Create(RunSite run, TorchDevice device)
    {
        StudentDefinition definition = run.Definition.Student
            ?? throw new DefinitionException("the run has no \"student\"; name its model, or its config and its tokenizer");
        TextTokenizer tokenizer = SideTokenizers.Student(run);
        const string Choice = "give one of them: a model to start from, or a config to start from random weights";
        return definition switch
        {
            { Model: not null, Config: not null } => throw new DefinitionException($"the student has both a \"model\" and a \"config\"; {Choice}"),
            { Config: not null, InputExpansion: true } => throw new DefinitionException("the student has inputExpansion but starts from a config; the expansion adds the embeddings of a model's old vocabulary, so give a model"),
            { Config: not null, Edit: not null } => throw new DefinitionException("the student has an \"edit\" but starts from a config; an edit is fitted on a model, so give that model"),
            { Config: { } config } => new LanguageModel(FromConfig(run.Input(config), tokenizer, run, device), tokenizer, null),
            { Model: { } folder } => FromModel(run.Input(folder), tokenizer, definition, run, device),
            _ => throw new DefinitionException($"the student has neither a \"model\" nor a \"config\"; {Choice}"),
        };
    }

    /// <summary>A model with random weights, by a config.json or the folder that contains it. Its vocabulary is that of the tokenizer.</summary>
    private static CausalLm FromConfig(string path, TextTokenizer tokenizer, RunSite run, TorchDevice device)
    {
        string file = run.Storage.DirectoryExists(path) ? Path.Combine(path, ModelConfig.FileName) : path;
        if (!run.Storage.FileExists(file))
            throw new InputException($"{file}: no such file; the student's \"config\" names a config.json or the folder it is in");
        using Stream stream = run.Storage.OpenRead(file);
        JsonObject json = JsonNode.Parse(stream) as JsonObject ?? throw new InputException($"{file}: expected a JSON object");
        json["vocab_size"] = tokenizer.VocabularySize;
        return CausalLm.Create(ModelConfig.Parse(json.ToJsonString(), file), run.Definition.Seed, device.Device, device.ComputeType);
    }

    private static LanguageModel FromModel(string folder, TextTokenizer tokenizer, StudentDefinition definition, RunSite run, TorchDevice device)
    {
        TextTokenizer source = run.Tokenizers.Get(folder);
        CausalLm model = CausalLm.Load(folder, run.Storage, device.Device, device.ComputeType);
        ExpandedInput? expansion = null;
        SteeringEdit? edit = null;
        try
        {
            NotFinite.RefuseWeights(folder, model);
            edit = SteeringEdit.Find(folder, definition.Edit is null ? null : run.Input(definition.Edit), run.Storage, device.Device);
            EmbeddingInitialisation start = EmbeddingChoice.Parse(definition.Embeddings).Kind;
            // A hypernetwork also predicts embeddings for the model's own vocabulary, if the definition asks for that.
            bool sameVocabulary = start == EmbeddingInitialisation.Keep || (source.Fingerprint == tokenizer.Fingerprint && start != EmbeddingInitialisation.Hypernetwork);
            if (sameVocabulary && tokenizer.VocabularySize > model.Config.VocabularySize)
                throw new InputException($"{folder}: {model.Config.VocabularySize} embeddings for a tokenizer of {tokenizer.VocabularySize} tokens; give the tokenizer of this model");
            expansion = ExpandedInput.TryLoad(folder, source, run.Storage, device.Device, device.ComputeType);
            if (expansion is not null && !sameVocabulary)
                throw new InputException($"{folder} has input expansion, which works only with its own tokenizer; start from a folder without it, or keep the tokenizer");
            if (expansion is null && definition.InputExpansion)
            {
                if (sameVocabulary)
                    throw new DefinitionException("inputExpansion adds the embeddings of an old vocabulary, but the student keeps its vocabulary; give it \"tokenizer\": \"bytes\"");
                expansion = new ExpandedInput(tokenizer, source, model.EmbeddingWeight);
            }
            bool untie = definition.Untie ?? (!sameVocabulary && definition.Tokenizer == TextTokenizer.BytesPath);
            if (!sameVocabulary)
                NewVocabulary.Apply(model, source, tokenizer, untie, definition, run);
            else if (untie && model.Config.TieWordEmbeddings)
                model.ReplaceEmbeddings(model.EmbeddingWeight, model.HeadWeight);
            return new LanguageModel(model, tokenizer, expansion, edit);
        }
        catch
        {
            edit?.Dispose();
            expansion?.Dispose();
            model.Dispose();
            throw;
        }
    }
}
