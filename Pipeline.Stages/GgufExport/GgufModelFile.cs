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

/// <summary>Writes a model and its tokenizer as one GGUF file that llama.cpp can open. Adapters are merged into the weights.</summary>
public static class GgufModelFile
{
    private const string TokenizerFile = "tokenizer.json";

    private static readonly Dictionary<GgufType, int> s_fileTypes = new() { [GgufType.F32] = 0, [GgufType.F16] = 1, [GgufType.Q8_0] = 7, [GgufType.BF16] = 32 };

    /// <summary>
    /// Converts a Hugging Face folder to one file. Must be called on the device's thread. The weights keep the type that they are stored in and are mapped
    /// from the files, so that they are not all in memory.
    /// </summary>
    /// <param name="folder">The full path of the folder.</param>
    /// <param name="tokenizer">The path of another tokenizer; null for the folder's own, if it has one.</param>
    /// <param name="path">The full path of the file to write.</param>
    /// <param name="type">The type of matrices; see <see cref="Write"/>.</param>
    /// <param name="storage">Reads and writes all files.</param>
    /// <param name="device">The CPU.</param>
    /// <returns>The same as <see cref="Write"/>.</returns>
    /// <exception cref="InputException">The folder cannot be read, or GGUF cannot express the model or its tokenizer.</exception>
    public static IReadOnlyList<string> Convert(string folder, string? tokenizer, string path, GgufType type, IStorage storage, TorchDevice device)
    {
        bool hasTokenizer = tokenizer is not null || storage.FileExists(Path.Combine(folder, TokenizerFile));
        using LanguageModel model = LanguageModel.Load(
            folder, hasTokenizer ? TextTokenizer.Load(tokenizer ?? folder, storage) : null, storage, device, ModelConfig.Load(folder, storage).StorageType);
        if (model.Expansion is not null)
            throw new InputException($"model '{model.Name}' adds to its input embeddings (input expansion), which GGUF cannot express; train it with \"exportWithoutExpansion\": true and convert the folder that is written without it");
        return Write(model, path, type, ChatTemplate.Find(tokenizer is null or TextTokenizer.BytesPath ? folder : tokenizer, storage), storage);
    }

    /// <summary>
    /// Writes a model. The file appears only when it is complete. A model's input expansion is not written. Must be called on the device's thread.
    /// </summary>
    /// <param name="model">The model, with its tokenizer if it has one.</param>
    /// <param name="path">The full path of the file.</param>
    /// <param name="type">The type of matrices. Norms, biases and other vectors are always float32.</param>
    /// <param name="chatTemplate">The chat template in Jinja; null where there is none.</param>
    /// <param name="storage">Where to write.</param>
    /// <returns>Remarks for the user: what llama.cpp will compute differently, and what was written in another way than asked.</returns>
    /// <exception cref="InputException">GGUF cannot express what this model computes, or how its tokenizer splits text.</exception>
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

    /// <summary>Checks that a model can be expressed in GGUF. Nothing is written.</summary>
    /// <exception cref="InputException">It cannot; see <see cref="Write"/>.</exception>
    public static void Check(LanguageModel model) => Head(model, new GgufWriter(), "", GgufType.F32, null, []);

    /// <summary>Checks the same of a configuration and a tokenizer. The tokenizer is null where it is not known yet.</summary>
    /// <exception cref="InputException">It cannot; see <see cref="Write"/>.</exception>
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
