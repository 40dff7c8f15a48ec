using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// A decoder with its weights, of any family in <see cref="ModelFamilies"/>. B batch, T positions, H hidden, V vocabulary. Every
/// method belongs on the device's thread; tensors it returns belong to the caller's dispose scope. Weights are not trainable
/// until <see cref="SetTrainable"/> says so.
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
        // Where every weight was converted nothing looks into the map any more, and its pages would only count as memory in use.
        if (!_weights.Values.Any(weight => weight.IsMapped))
        {
            _files?.Dispose();
            _files = null;
        }
    }

    public ModelConfig Config { get; private set; }

    public Device Device { get; }

    /// <summary>The folder it was read from, for messages; empty for one that was made here.</summary>
    public string Source { get; private init; } = "";

    /// <summary>What a person should know of how the folder was read.</summary>
    public IReadOnlyList<string> Remarks { get; private init; } = [];

    /// <summary>The type of weights and activations; norms, softmax and the vocabulary head compute in float32.</summary>
    public ScalarType ComputeType { get; }

    /// <summary>Hugging Face's names, in the order of the computation; a tied head is absent; adapters come last.</summary>
    public IReadOnlyList<(string Name, Parameter Tensor)> Parameters => [.. _order.Select(name => (name, _weights[name].Tensor))];

    /// <summary>[V, H]: the head, or the input embeddings when they are tied.</summary>
    public Tensor HeadWeight => Head.Tensor;

    private Weight Head => _weights[Config.TieWordEmbeddings ? WeightNames.Embedding : WeightNames.Head];

    /// <summary>[V, H].</summary>
    public Tensor EmbeddingWeight => _weights[WeightNames.Embedding].Tensor;

    /// <summary>
    /// Loads a Hugging Face folder. On the CPU, weights stored in <paramref name="dtype"/> look into the memory-mapped file.
    /// </summary>
    /// <exception cref="InputException">Config or weights do not fit this program or each other.</exception>
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

    /// <summary>Fresh weights; the same seed gives the same weights on every device.</summary>
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

    /// <summary>What happens beyond the positions it was made for; null: nothing.</summary>
    public PositionLimit? Positions { get; private set; }

    /// <summary>Has texts that are longer than it was made for said once, or refused.</summary>
    /// <param name="name">As messages name the model.</param>
    /// <param name="isStrict">Refuse them.</param>
    /// <param name="say">Gets the warning; null: nobody does.</param>
    public void LimitPositions(string name, bool isStrict, Action<string>? say) => Positions = new PositionLimit(name, Config.MaxPositions, isStrict, say);

    /// <summary>What an attention over B rows of T positions needs; see <see cref="AttentionContext"/>.</summary>
    /// <param name="batch">B.</param>
    /// <param name="length">T.</param>
    /// <param name="mask">[B, S] 1 where there is a token; null: plain causal, which right padding does not disturb.</param>
    /// <param name="positions">[B, T] int64; null: 0..T-1.</param>
    /// <param name="segments">[B, T] int64, equal within one packed document.</param>
    /// <param name="cache">Keys and values of positions before.</param>
    /// <param name="lengths">Tokens of each row where padding follows them; null: T. For rotations that vary with a row's length.</param>
    public AttentionContext CreateAttention(
        int batch, int length, Tensor? mask = null, Tensor? positions = null, Tensor? segments = null, KeyValueCache? cache = null, IReadOnlyList<int>? lengths = null)
    {
        Positions?.Check((cache?.Length ?? 0) + length);
        return AttentionContext.Create(Config, batch, length, mask, positions, segments, cache, lengths, Device, ComputeType);
    }

    /// <summary>An attention over B rows of E queries behind cached keys that each see chosen ones of the S keys, cached and own: a tree's contexts.</summary>
    /// <param name="seen_BES">bool; every query sees itself.</param>
    /// <param name="positions_BE">int64 positions of the queries: their depths, whatever their index.</param>
    /// <param name="keyPositions_BS">int64 positions of all keys, by which windows slide.</param>
    /// <param name="cache">Keys and values before; gets the queries' own.</param>
    public AttentionContext CreateTreeAttention(Tensor seen_BES, Tensor positions_BE, Tensor keyPositions_BS, KeyValueCache cache)
        => AttentionContext.CreateTree(Config, seen_BES, positions_BE, keyPositions_BS, cache, Device, ComputeType);

    /// <summary>Embeddings of int64 ids [B, T], scaled where the family does: [B, T, H].</summary>
    public Tensor Embed(Tensor ids_BT) => Embed(EmbeddingWeight, ids_BT);

    /// <summary>As <see cref="Embed(Tensor)"/>, of rows [R, H] that stand in for the model's own.</summary>
    public Tensor Embed(Tensor rows_RH, Tensor ids_BT)
    {
        Tensor x = TorchScripts.Embedding(rows_RH, ids_BT);
        if (Config.EmbeddingScale == 1)
            return x;
        // The factor is rounded to the type computed in, as the reference does.
        using (x)
        using (Tensor scale = tensor((float)Config.EmbeddingScale).to(ComputeType, Device))
            return x * scale;
    }

    /// <summary>Layers <paramref name="from"/> up to, not with, <paramref name="to"/>, without the final norm.</summary>
    /// <param name="x_BTH">What comes into layer <paramref name="from"/>.</param>
    /// <param name="from">First layer.</param>
    /// <param name="to">One past the last.</param>
    /// <param name="attention">For this batch.</param>
    /// <param name="checkpoint">Keep only each layer's input and compute the rest again in the backward pass.</param>
    /// <param name="collectHidden">Receives each layer's output.</param>
    public Tensor RunLayers(Tensor x_BTH, int from, int to, AttentionContext attention, bool checkpoint = false, IList<Tensor>? collectHidden = null)
    {
        Tensor x = x_BTH;
        for (int i = from; i < to; i++)
        {
            DecoderLayer layer = _layers[i];
            Tensor next = checkpoint ? ActivationCheckpoint.Run(h => layer.Forward(h, attention), x, Anchor(layer)) : layer.Forward(x, attention);
            collectHidden?.Add(next);
            // What autograd needs it holds itself; only the handle would keep an activation alive.
            if (!ReferenceEquals(x, x_BTH) && collectHidden is null)
                x.Dispose();
            x = next;
        }

        return x;
    }

    /// <summary>
    /// Has every forward pass hand the activations [B, T, H] of a place to <paramref name="edit"/> and go on with what it returns; null
    /// takes the edit away. Called on the device's thread; the edit's result belongs to the scope that it is called in.
    /// </summary>
    public void SetEdit(int layer, ActivationPlace place, Func<Tensor, Tensor>? edit)
    {
        if (place == ActivationPlace.Residual)
            _layers[layer].OutputEdit = edit;
        else
            _layers[layer].FeedForwardEdit = edit;
    }

    public Tensor FinalNorm(Tensor x_BTH) => _finalNorm.Apply(x_BTH);

    /// <summary>The last hidden state after the final norm, [B, T, H]: what the vocabulary head takes.</summary>
    public Tensor Hidden(Tensor ids_BT, AttentionContext attention, bool checkpoint = false)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor embedded = Embed(ids_BT);
        return FinalNorm(RunLayers(embedded, 0, Config.Layers, attention, checkpoint)).MoveToOuterDisposeScope();
    }

    /// <summary>All logits [.., V] of hidden states [.., H], soft-capped, in float32. For short inputs; the vocabulary head is for long ones.</summary>
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
