using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Gguf;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.GgufExport;

/// <summary>A model and its tokenizer in one file that llama.cpp opens; adapters are merged in.</summary>
public static class GgufModelFile
{
    private const string TokenizerFile = "tokenizer.json";

    private static readonly Dictionary<GgufType, int> s_fileTypes = new() { [GgufType.F32] = 0, [GgufType.F16] = 1, [GgufType.Q8_0] = 7, [GgufType.BF16] = 32 };

    /// <summary>Writes a Hugging Face folder as one file. On the device's thread; the weights stay in their own type and are not all in memory.</summary>
    /// <param name="folder">Full path of the model.</param>
    /// <param name="tokenizer">Another tokenizer than the folder's own; null: that, if there is one.</param>
    /// <param name="path">Full path of the file.</param>
    /// <param name="type">Of matrices.</param>
    /// <param name="storage">Where both are.</param>
    /// <param name="device">The CPU.</param>
    /// <returns>As <see cref="Write"/>.</returns>
    public static IReadOnlyList<string> Convert(string folder, string? tokenizer, string path, GgufType type, IStorage storage, TorchDevice device)
    {
        bool hasTokenizer = tokenizer is not null || storage.FileExists(Path.Combine(folder, TokenizerFile));
        using LanguageModel model = LanguageModel.Load(
            folder, hasTokenizer ? TextTokenizer.Load(tokenizer ?? folder, storage) : null, storage, device, ModelConfig.Load(folder, storage).StorageType);
        if (model.Expansion is not null)
            throw new InputException($"model '{model.Name}' adds to its input embeddings (input expansion), which GGUF cannot express; train it with \"exportWithoutExpansion\": true and convert the folder that is written without it");
        return Write(model, path, type, ChatTemplate.Find(tokenizer is null or TextTokenizer.BytesPath ? folder : tokenizer, storage), storage);
    }

    /// <summary>Writes the file in one step, without the input expansion of a model that has one. On the device's thread.</summary>
    /// <param name="model">With its tokenizer.</param>
    /// <param name="path">Full path.</param>
    /// <param name="type">Of matrices; norms, biases and the like are always float32.</param>
    /// <param name="chatTemplate">In Jinja; null: none.</param>
    /// <param name="storage">Where to.</param>
    /// <returns>What llama.cpp does otherwise, and what was written otherwise than asked.</returns>
    /// <exception cref="InputException">GGUF cannot say what this model computes, or how its tokenizer cuts text.</exception>
    public static IReadOnlyList<string> Write(LanguageModel model, string path, GgufType type, string? chatTemplate, IStorage storage)
    {
        List<string> remarks = [];
        GgufWriter writer = new();
        GgufArchitecture architecture = Head(model, writer, Path.GetFileNameWithoutExtension(path), type, chatTemplate, remarks);
        GgufTensors tensors = new(model.Model, architecture, type);
        foreach (GgufSource tensor in tensors.All())
            writer.Add(tensor);
        if (tensors.Narrow.Count > 0)
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"{tensors.Narrow.Count} tensors are F16: their rows are not a multiple of 32, which Q8_0 needs ({tensors.Narrow[0]} first)"));
        if (model.Model.Config.TieWordEmbeddings && !architecture.MayTie)
            remarks.Add($"the embeddings are written twice, because {architecture.Name} in llama.cpp always has a separate head");
        storage.WriteAtomically(path, writer.Write);
        return remarks;
    }

    /// <summary>Whether a model can be expressed in GGUF; nothing is written.</summary>
    /// <exception cref="InputException">As <see cref="Write"/>.</exception>
    public static void Check(LanguageModel model) => Head(model, new GgufWriter(), "", GgufType.F32, null, []);

    /// <summary>The same, of a configuration and a tokenizer alone; null: unknown yet.</summary>
    /// <exception cref="InputException">As <see cref="Write"/>.</exception>
    public static void Check(ModelConfig config, TextTokenizer? tokenizer)
    {
        new GgufParameters(config, GgufArchitecture.Of(config.Family), []).Check();
        if (tokenizer is not null)
            new TokenizerMetadata(tokenizer, tokenizer.VocabularySize, []).Write(new GgufWriter(), null);
    }

    private static GgufArchitecture Head(LanguageModel model, GgufWriter writer, string name, GgufType type, string? chatTemplate, List<string> remarks)
    {
        if (model.Edit is not null)
            throw new InputException($"model '{model.Name}' has an edit of its activations, which GGUF cannot express; export a model without one");
        ModelConfig config = model.Model.Config;
        GgufArchitecture architecture = GgufArchitecture.Of(config.Family);
        GgufParameters parameters = new(config, architecture, remarks);
        parameters.Check();
        writer.Set("general.architecture", architecture.Name);
        writer.Set("general.name", name);
        writer.Set("general.file_type", s_fileTypes[type]);
        parameters.Write(writer);
        if (model.HasTokenizer)
        {
            new TokenizerMetadata(model.Tokenizer, config.VocabularySize, remarks).Write(writer, chatTemplate);
        }
        else
        {
            writer.Set(GgufKeys.Model, "none");
            remarks.Add("the model has no tokenizer, so programs that open the file can only be given ids");
        }
        return architecture;
    }
}
