using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// The input of a byte-level student with input expansion: at each position, the embedding of the byte plus that of the longest token of the old
/// vocabulary that ends there. The table of the latter begins as the old model's input embeddings. It is trained with everything else, unless it is
/// frozen by its name. In a model folder it is stored in files of its own, so that other programs can still open the weights without it.
/// </summary>
public sealed class ExpandedInput : IDisposable
{
    /// <summary>The table's name among the trained parameters.</summary>
    public const string WeightName = "model.expand_tokens.weight";

    private const string FileName = "alm_input_expansion.safetensors";
    private const string TokenizerName = "alm_source_tokenizer";
    private const string VersionKey = "alm_input_expansion", Version = "1", SourceKey = "source_tokenizer";

    private readonly InputExpansion _expansion;
    private readonly TextTokenizer _source;

    /// <summary>Makes a new table.</summary>
    /// <param name="student">The student's tokenizer. Its tokens are single bytes and special tokens.</param>
    /// <param name="source">The tokenizer of the old vocabulary.</param>
    /// <param name="table_VH">[old vocabulary, H] the embeddings that the table begins with. They are copied.</param>
    /// <exception cref="DefinitionException">A token of the student has more than one byte.</exception>
    public ExpandedInput(TextTokenizer student, TextTokenizer source, Tensor table_VH)
    {
        if (FaultOf(student) is { } fault)
            throw new DefinitionException(fault);
        _source = source;
        using IDisposable quiet = no_grad();
        Table_VH = (Parameter)new Parameter(table_VH.detach().clone(), requires_grad: false).DetachFromDisposeScope();
        _expansion = InputExpansion.Create(
            VocabularyTransfer.BytesOf(student), VocabularyTransfer.BytesOf(source), (int)Table_VH.size(0), VocabularyTransfer.Roles(source, student));
    }

    /// <summary>What keeps a tokenizer from having input expansion; null if every token is a single byte or special.</summary>
    public static string? FaultOf(TextTokenizer student)
    {
        for (int id = 0; id < student.VocabularySize; id++)
        {
            if (!student.IsMark(id) && student.ByteView(id).Length > 1)
                return $"inputExpansion is for tokenizers of bytes, but the student's token {id} ('{student.TokenOf(id)}') has {student.ByteView(id).Length} bytes";
        }
        return null;
    }

    /// <summary>[old vocabulary, H] the embeddings that are added. This object owns them.</summary>
    public Parameter Table_VH { get; }

    /// <summary>The input of the first layer for ids [B, T]: [B, T, H]. To be called on the device's thread.</summary>
    /// <param name="model">The student's model, whose own embeddings are the other part of the sum.</param>
    /// <param name="ids_BT">Ids of the student's tokenizer.</param>
    /// <param name="mask_BT">int64. No token of the old vocabulary reaches into or across positions where it is 0. Null: 1 everywhere.</param>
    public Tensor Embed(CausalLm model, Tensor ids_BT, Tensor? mask_BT = null)
    {
        int rows = (int)ids_BT.size(0), length = (int)ids_BT.size(1);
        int[] ids = Array.ConvertAll(ids_BT.cpu().contiguous().data<long>().ToArray(), id => (int)id);
        if (mask_BT is not null)
        {
            long[] seen = mask_BT.cpu().contiguous().data<long>().ToArray();
            for (int i = 0; i < ids.Length; i++)
                ids[i] = seen[i] == 0 ? -1 : ids[i];
        }
        var from = new int[ids.Length];
        for (int row = 0; row < rows; row++)
            _expansion.Expand(ids.AsSpan(row * length, length), from.AsSpan(row * length, length));
        Tensor at_BT = tensor(Array.ConvertAll(from, id => (long)Math.Max(id, 0)), [rows, length], device: Table_VH.device);
        Tensor there_BT1 = tensor(Array.ConvertAll(from, id => id < 0 ? 0f : (float)model.Config.EmbeddingScale), [rows, length, 1], device: Table_VH.device);
        return model.Embed(ids_BT) + TorchScripts.Embedding(Table_VH, at_BT) * there_BT1.to_type(Table_VH.dtype);
    }

    /// <summary>The final hidden states [B, T, H] for ids [B, T].</summary>
    public Tensor Hidden(CausalLm model, Tensor ids_BT, AttentionContext attention)
        => model.FinalNorm(model.RunLayers(Embed(model, ids_BT), 0, model.Config.Layers, attention));

    /// <summary>Writes the table and the old tokenizer into a model folder.</summary>
    /// <param name="folder">The full path of the folder.</param>
    /// <param name="storage">Where files are written.</param>
    /// <param name="type">The number format of the table.</param>
    public void Save(string folder, IStorage storage, ScalarType type)
    {
        _source.Save(Path.Combine(folder, TokenizerName), storage);
        SafetensorsWriter.Write(
            Path.Combine(folder, FileName), storage, [new TensorSource(WeightName, type, Table_VH) { MustBeFinite = true }],
            new Dictionary<string, string> { ["format"] = "pt", [VersionKey] = Version, [SourceKey] = _source.Fingerprint });
    }

    /// <summary>Whether a model folder holds an input expansion.</summary>
    public static bool IsIn(string folder, IStorage storage) => storage.FileExists(Path.Combine(folder, FileName));

    /// <summary>Loads the input expansion of a model folder; null if there is none.</summary>
    /// <exception cref="InputException">The files are of another version, or the old tokenizer is not the one that the table was made with.</exception>
    public static ExpandedInput? TryLoad(string folder, TextTokenizer student, IStorage storage, Device device, ScalarType type)
    {
        if (!IsIn(folder, storage))
            return null;
        string path = Path.Combine(folder, FileName);
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path, storage);
        if (file.Metadata.GetValueOrDefault(VersionKey) is not Version)
            throw new InputException($"{path} is version '{file.Metadata.GetValueOrDefault(VersionKey)}', this program reads version {Version}; export the model again");
        TextTokenizer source = TextTokenizer.Load(Path.Combine(folder, TokenizerName), storage);
        if (source.Fingerprint != file.Metadata.GetValueOrDefault(SourceKey))
            throw new InputException($"{Path.Combine(folder, TokenizerName)} is not the tokenizer that {path} was made with; export the model again");
        return new ExpandedInput(student, source, file.View(WeightName).to(type).to(device));
    }

    public void Dispose() => Table_VH.Dispose();
}
