using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>A model with the tokenizer it is to have, ready to be trained. Belongs to the device's thread.</summary>
internal sealed class StudentModel : IDisposable
{
    private const string InputEmbeddings = "model.embed_tokens.weight";
    private const string OutputEmbeddings = "lm_head.weight";

    public StudentModel(CausalLm model, TextTokenizer tokenizer, ExpandedInput? expansion)
    {
        Model = model;
        Tokenizer = tokenizer;
        Expansion = expansion;
        BoundaryMask_V = BoundaryMask.Of(tokenizer, model.Config.VocabularySize, model.Device);
    }

    public CausalLm Model { get; }

    public TextTokenizer Tokenizer { get; }

    /// <summary>What is added to the embeddings of bytes; null for most.</summary>
    public ExpandedInput? Expansion { get; }

    public Device Device => Model.Device;

    /// <summary>[V] which tokens begin a new pretoken: what the boundary mass sums over.</summary>
    public Tensor BoundaryMask_V { get; }

    /// <summary>Rows from here on are padding that no token has; they get no probability.</summary>
    public int ValidRows => Math.Min(Tokenizer.VocabularySize, Model.Config.VocabularySize);

    public IReadOnlyList<(string Name, Parameter Tensor)> Trainable => 
    [
        .. Model.Parameters.Where(p => p.Tensor.requires_grad),
        .. Expansion is { Table_VH.requires_grad: true } ? [(ExpandedInput.WeightName, Expansion.Table_VH)] : Array.Empty<(string, Parameter)>(),
    ];

    /// <summary>Trained parameters of the last layer: what objectives are weighed by.</summary>
    public Tensor[] LastLayerParameters
    {
        get
        {
            string prefix = $"model.layers.{Model.Config.Layers - 1}.";
            return [.. Trainable.Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(p => p.Tensor)];
        }
    }

    /// <summary>Trained parameters above the last layer: the final norm and the output embeddings (the input's, where they are tied).</summary>
    public Tensor[] HeadParameters
    {
        get
        {
            string head = Model.Config.TieWordEmbeddings ? InputEmbeddings : OutputEmbeddings;
            return [.. Trainable.Where(p => p.Name == head || p.Name == "model.norm.weight").Select(p => p.Tensor)];
        }
    }

    public static bool IsEmbedding(string name) => name is InputEmbeddings or OutputEmbeddings or ExpandedInput.WeightName;

    /// <summary>What goes into the first layer, [B, T, H].</summary>
    public Tensor Embed(Tensor ids_BT) => Expansion?.Embed(Model, ids_BT) ?? Model.Embed(ids_BT);

    public void Dispose()
    {
        Expansion?.Dispose();
        BoundaryMask_V.Dispose();
        Model.Dispose();
    }
}
