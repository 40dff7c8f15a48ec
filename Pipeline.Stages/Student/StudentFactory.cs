using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The student as training finds it: a function of the definition alone, so that it can be made again whenever a run goes on. Must be
/// called on the device's thread.
/// </summary>
internal static class StudentFactory
{
    public static StudentModel Create(StageContext context, TorchDevice device)
    {
        StudentDefinition definition = context.Definition.Student
            ?? throw new DefinitionException($"stage '{context.StageName}' needs a \"student\" in the definition");
        TextTokenizer tokenizer = SideTokenizers.Student(context);
        CausalLm model = definition switch
        {
            { Model: not null, Config: not null } => throw new DefinitionException("the student has both a \"model\" and a \"config\"; give one: a model to begin from, or a config to begin from nothing"),
            { Config: { } config } => FromNothing(RunPaths.Input(context.RunFolder, config), tokenizer, context, device),
            { Model: { } folder } => FromModel(RunPaths.Input(context.RunFolder, folder), tokenizer, definition, context, device),
            _ => throw new DefinitionException("the student has neither a \"model\" nor a \"config\"; give one: a model to begin from, or a config to begin from nothing"),
        };
        return new StudentModel(model, tokenizer, device.Device);
    }

    /// <summary>A config.json, or the folder it is in; its vocabulary becomes the tokenizer's.</summary>
    private static CausalLm FromNothing(string path, TextTokenizer tokenizer, StageContext context, TorchDevice device)
    {
        string file = context.Storage.DirectoryExists(path) ? Path.Combine(path, ModelConfig.FileName) : path;
        if (!context.Storage.FileExists(file))
            throw new InputException($"{file}: no such file; the student's \"config\" names a config.json or the folder it is in");
        using Stream stream = context.Storage.OpenRead(file);
        JsonObject json = JsonNode.Parse(stream) as JsonObject ?? throw new InputException($"{file}: expected a JSON object");
        json["vocab_size"] = tokenizer.VocabularySize;
        return CausalLm.Create(ModelConfig.Parse(json.ToJsonString(), file), context.Definition.Seed, device.Device, device.ComputeType);
    }

    private static CausalLm FromModel(string folder, TextTokenizer tokenizer, StudentDefinition definition, StageContext context, TorchDevice device)
    {
        TextTokenizer source = context.Service<TokenizerStore>().Get(folder);
        CausalLm model = CausalLm.Load(folder, context.Storage, device.Device, device.ComputeType);
        try
        {
            bool sameVocabulary = source.Fingerprint == tokenizer.Fingerprint || definition.Embeddings == EmbeddingInitialisation.Keep;
            if (sameVocabulary && tokenizer.VocabularySize > model.Config.VocabularySize)
                throw new InputException($"{folder}: {model.Config.VocabularySize} embeddings for a tokenizer of {tokenizer.VocabularySize} tokens; the tokenizer is not this model's");
            bool untie = definition.Untie ?? (!sameVocabulary && definition.Tokenizer == "bytes");
            if (!sameVocabulary || (untie && model.Config.TieWordEmbeddings))
                NewVocabulary(model, source, tokenizer, sameVocabulary, untie, definition.Embeddings, context.Definition.Seed);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static void NewVocabulary(
        CausalLm model, TextTokenizer source, TextTokenizer target, bool sameVocabulary, bool untie, EmbeddingInitialisation start, int seed)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        Tensor input_VH = model.EmbeddingWeight, output_VH = model.HeadWeight;
        bool tied = model.Config.TieWordEmbeddings;
        if (sameVocabulary)
        {
            model.ReplaceEmbeddings(input_VH, output_VH);
            return;
        }
        // Two draws: the rows that no source token helps with must not be alike on the way in and out.
        Tensor newInput = VocabularyTransfer.Apply(input_VH, source, target, start, CounterSeed(seed, 0));
        Tensor? newOutput = tied && !untie ? null : VocabularyTransfer.Apply(output_VH, source, target, start, CounterSeed(seed, tied ? 0 : 1));
        model.ReplaceEmbeddings(newInput, newOutput);
    }

    private static long CounterSeed(int seed, int matrix) => unchecked((long)Batching.CounterRandom.Mix((ulong)seed, (ulong)matrix) & long.MaxValue);
}
