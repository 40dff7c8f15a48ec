using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// A decoder-only language model with its weights, of any family in <see cref="ModelFamilies"/>. B batch, T positions, H hidden, V vocabulary. All
/// methods are to be called on the device's thread. The tensors that they compute belong to the caller's dispose scope. No weight is trainable
/// until <see cref="SetTrainable"/> makes it so.
/// </summary>
public sealed partial class CausalLm : IDisposable
{
    private readonly SafetensorsFolder? _files;
    private readonly Dictionary<string, Weight> _weights = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];
    private readonly List<DecoderLayer> _layers = [];
    private readonly Norm _finalNorm;

    private CausalLm(ModelConfig config, Device device, ScalarType type, SafetensorsFolder? files, Func<string, long[], Weight> create)
    {
        Config = config;
        Device = device;
        ComputeType = type;
        _files = files;
        foreach ((string name, long[] shape) in WeightNames.All(config))
            Add(create(name, shape));
        for (int i = 0; i < config.Layers; i++)
            _layers.Add(new DecoderLayer(config, i, name => _weights[name]));
        _finalNorm = new Norm(_weights[WeightNames.FinalNorm], config.HiddenSize, config);
        // If every weight was converted, nothing uses the memory map any more, and its pages would only count as memory in use.
        if (!_weights.Values.Any(weight => weight.IsMapped))
        {
            _files?.Dispose();
            _files = null;
        }
    }

    public ModelConfig Config { get; private set; }

    public Device Device { get; }

    /// <summary>The folder that the model was loaded from, for messages; empty for a model from <see cref="Create"/>.</summary>
    public string Source { get; private init; } = "";

    /// <summary>What the user should know about how the folder was read.</summary>
    public IReadOnlyList<string> Remarks { get; private init; } = [];

    /// <summary>The type of weights and activations. Norms and softmax compute in float32, and logits are float32 once they are computed.</summary>
    public ScalarType ComputeType { get; }

    /// <summary>
    /// All weights under the names of <see cref="WeightNames"/>: the embeddings, layer by layer, and what comes after the layers. A tied head is not among
    /// them. Adapters come after the weights that the model had when they were added.
    /// </summary>
    public IReadOnlyList<(string Name, Parameter Tensor)> Parameters => [.. _order.Select(name => (name, _weights[name].Tensor))];

    /// <summary>[V, H] the head, or the input embeddings if the two are tied. It belongs to the model.</summary>
    public Tensor HeadWeight => Head.Tensor;

    private Weight Head => _weights[Config.TieWordEmbeddings ? WeightNames.Embedding : WeightNames.Head];

    /// <summary>[V, H] the input embeddings. They belong to the model.</summary>
    public Tensor EmbeddingWeight => _weights[WeightNames.Embedding].Tensor;

    /// <summary>
    /// Loads a folder of Hugging Face's format. On the CPU, weights that are stored in <paramref name="dtype"/> are not copied: they are views of the
    /// memory-mapped files.
    /// </summary>
    /// <exception cref="InputException">This program does not support the config or the weights, or they do not fit each other.</exception>
    public static CausalLm Load(string folder, IStorage storage, Device device, ScalarType dtype)
    {
        ModelConfig written = ModelConfig.Load(folder, storage);
        SafetensorsFolder files = SafetensorsFolder.Open(folder, storage);
        try
        {
            using IDisposable quiet = no_grad();
            ModelConfig config = HeadTie.Resolve(written, files, folder, out string? remark);
            WeightLoader loader = new(config, files, folder);
            return new CausalLm(config, device, dtype, files, (name, _) => new Weight(name, loader.Get(name, device, dtype), loader.CanMap(name, device, dtype))) { Source = folder, Remarks = remark is null ? [] : [remark] };
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Makes a model with random weights. The same seed gives the same weights on every device.</summary>
    public static CausalLm Create(ModelConfig config, long seed, Device device, ScalarType dtype)
    {
        using IDisposable quiet = no_grad();
        return new CausalLm(
            config, device, dtype, null, (name, shape) =>
            {
                using DisposeScope scope = NewDisposeScope();
                return new Weight(name, WeightInitializer.Create(config, name, shape, seed).to(dtype, device), isMapped: false);
            });
    }

    /// <summary>What happens with texts that are longer than the model was made for; null: nothing.</summary>
    public PositionLimit? Positions { get; private set; }

    /// <summary>From here on, the first text that is longer than the model was made for causes a warning, or every such text is refused.</summary>
    /// <param name="name">What messages call the model.</param>
    /// <param name="isStrict">Whether longer texts are refused.</param>
    /// <param name="say">Gets the warning; null: there is none.</param>
    public void LimitPositions(string name, bool isStrict, Action<string>? say) => Positions = new PositionLimit(name, Config.MaxPositions, isStrict, say);

    /// <summary>
    /// Makes what the layers need for causal attention over B rows of T positions, after the cached ones if there are any. S positions with these. The
    /// caller disposes of it.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <param name="length">T.</param>
    /// <param name="mask">[B, S] 1 where there is a token; null: everywhere. Padding at the end of a row needs no mask.</param>
    /// <param name="positions">[B, T] int64; null: counted from 0, or from the number of cached positions.</param>
    /// <param name="segments">[B, T] int64, for packed documents: equal within a document. Cannot be combined with a cache.</param>
    /// <param name="cache">The keys and values of earlier positions; the layers add those of this call.</param>
    /// <param name="lengths">How many tokens each row has, if padding follows them; null: S. Used where the rotation varies with a row's length.</param>
    /// <exception cref="InputException">The text is longer than <see cref="Positions"/> allows.</exception>
    public AttentionContext CreateAttention(
        int batch, int length, Tensor? mask = null, Tensor? positions = null, Tensor? segments = null, KeyValueCache? cache = null, IReadOnlyList<int>? lengths = null)
    {
        Positions?.Check((cache?.Length ?? 0) + length);
        return AttentionContext.Create(Config, batch, length, mask, positions, segments, cache, lengths, Device, ComputeType);
    }

    /// <summary>
    /// Makes what the layers need for attention over the contexts of a tree: B rows of E queries, which come after the cached keys. Each query sees
    /// only chosen ones of the S keys, which are the cached ones and those of the queries. The caller disposes of it.
    /// </summary>
    /// <param name="seen_BES">bool, whether a query sees a key. Every query must see itself.</param>
    /// <param name="positions_BE">int64 positions of the queries: their depths in the tree, whatever their index.</param>
    /// <param name="keyPositions_BS">int64 positions of all keys. Sliding windows are measured by them.</param>
    /// <param name="cache">The keys and values of earlier contexts; the layers add those of the queries.</param>
    /// <exception cref="InputException">The text is so long that the model's rotary frequencies depend on its length.</exception>
    public AttentionContext CreateTreeAttention(Tensor seen_BES, Tensor positions_BE, Tensor keyPositions_BS, KeyValueCache cache)
        => AttentionContext.CreateTree(Config, seen_BES, positions_BE, keyPositions_BS, cache, Device, ComputeType);

    /// <summary>The embeddings [B, T, H] of int64 ids [B, T], scaled if the family scales them.</summary>
    public Tensor Embed(Tensor ids_BT) => Embed(EmbeddingWeight, ids_BT);

    /// <summary>Like <see cref="Embed(Tensor)"/>, but with the given rows [R, H] in place of the model's own embeddings.</summary>
    public Tensor Embed(Tensor rows_RH, Tensor ids_BT)
    {
        Tensor x = TorchScripts.Embedding(rows_RH, ids_BT);
        if (Config.EmbeddingScale == 1)
            return x;
        // The factor is rounded to the compute type first, as the reference implementation does.
        using (x)
        using (Tensor scale = tensor((float)Config.EmbeddingScale).to(ComputeType, Device))
            return x * scale;
    }

    /// <summary>Runs the layers from <paramref name="from"/> up to but not including <paramref name="to"/>, without the final norm: [B, T, H].</summary>
    /// <param name="x_BTH">The input of layer <paramref name="from"/>. It stays the caller's.</param>
    /// <param name="from">The first layer.</param>
    /// <param name="to">One past the last layer.</param>
    /// <param name="attention">Made for this batch.</param>
    /// <param name="checkpoint">Whether only the input of each layer is kept, and the rest is computed again in the backward pass.</param>
    /// <param name="collectHidden">Gets the output of each layer.</param>
    public Tensor RunLayers(Tensor x_BTH, int from, int to, AttentionContext attention, bool checkpoint = false, IList<Tensor>? collectHidden = null)
    {
        Tensor x = x_BTH;
        for (int i = from; i < to; i++)
        {
            DecoderLayer layer = _layers[i];
            Tensor next = checkpoint ? ActivationCheckpoint.Run(h => layer.Forward(h, attention), x, Anchor(layer)) : layer.Forward(x, attention);
            collectHidden?.Add(next);
            // Autograd holds what it needs. Without this, the handle alone would keep the activation alive.
            if (!ReferenceEquals(x, x_BTH) && collectHidden is null)
                x.Dispose();
            x = next;
        }

        return x;
    }

    /// <summary>
    /// Lets every forward pass hand the activations [B, T, H] of a place to <paramref name="edit"/>, and continue with what it returns. Null removes the
    /// edit. It is called on the device's thread, and its result belongs to the dispose scope that it is called in.
    /// </summary>
    public void SetEdit(int layer, ActivationPlace place, Func<Tensor, Tensor>? edit)
    {
        if (place == ActivationPlace.Residual)
            _layers[layer].OutputEdit = edit;
        else
            _layers[layer].FeedForwardEdit = edit;
    }

    public Tensor FinalNorm(Tensor x_BTH) => _finalNorm.Apply(x_BTH);

    /// <summary>The hidden states [B, T, H] after the last layer and the final norm: the input of the vocabulary head.</summary>
    public Tensor Hidden(Tensor ids_BT, AttentionContext attention, bool checkpoint = false)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor embedded = Embed(ids_BT);
        return FinalNorm(RunLayers(embedded, 0, Config.Layers, attention, checkpoint)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// All logits [.., V] of hidden states [.., H], in float32, soft-capped if the model does so. For short inputs only: for long ones,
    /// <see cref="VocabularyHead"/> takes far less memory.
    /// </summary>
    public Tensor Logits(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = nn.functional.linear(hidden, HeadWeight).to(ScalarType.Float32);
        if (Config.FinalSoftcap is { } softcap)
            logits = (logits / softcap).tanh() * softcap;
        return logits.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Weight weight in _weights.Values)
            weight.Tensor.Dispose();
        _step?.Dispose();
        _files?.Dispose();
    }

    private static Tensor Anchor(DecoderLayer layer) => layer.Trainable() ?? layer.Projections[0].Weight.Tensor;

    private void Add(Weight weight)
    {
        _weights.Add(weight.Name, weight);
        _order.Add(weight.Name);
    }
}
