using Pipeline.Contracts.Errors;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.GgufExport;

/// <summary>
/// The weights of a decoder, with the names and in the layout of llama.cpp. Must be used on the device's thread, and so must the
/// <see cref="GgufSource.Write"/> of its tensors. D head width, H heads of a projection.
/// </summary>
/// <param name="model">The decoder. It must outlive the tensors.</param>
/// <param name="architecture">How llama.cpp computes it.</param>
/// <param name="type">The type of matrices.</param>
internal sealed class GgufTensors(CausalLm model, GgufArchitecture architecture, GgufType type)
{
    private const long SliceElements = 1 << 22;

    private static readonly string[] s_attention = ["q", "k", "v"], s_inner = ["gate", "up"];

    private readonly ModelConfig _config = model.Config;
    private readonly List<GgufSource> _tensors = [];

    /// <summary>The names of tensors that should be Q8_0 but are F16, because their rows are not a whole number of blocks.</summary>
    public List<string> Narrow { get; } = [];

    /// <summary>All tensors, in the order of the file. To be called once.</summary>
    public IReadOnlyList<GgufSource> All()
    {
        if (RopeFactors() is { } factors)
            _tensors.Add(new GgufSource("rope_freqs.weight", GgufType.F32, [factors.Length], sink => sink(factors)));
        if (_config.Rope is { Scaling: RopeScaling.LongRope, Factors: { } list })
        {
            Add("rope_factors_long.weight", list.Long);
            Add("rope_factors_short.weight", list.Short);
        }
        Add("token_embd.weight", WeightNames.Embedding);
        Add("output_norm.weight", WeightNames.FinalNorm, PlusOne);
        if (!_config.TieWordEmbeddings || !architecture.MayTie)
            Add("output.weight", _config.TieWordEmbeddings ? WeightNames.Embedding : WeightNames.Head);
        for (int i = 0; i < _config.Layers; i++)
            AddLayer($"blk.{i}.", WeightNames.Layer(i));
        return _tensors;
    }

    private void AddLayer(string block, string layer)
    {
        bool isFused = _config.Family.Fused.Count > 0;
        foreach (string part in (string[])["weight", "bias"])
        {
            if (isFused)
            {
                AddJoined($"{block}attn_qkv.{part}", [.. s_attention.Select(p => $"{layer}self_attn.{p}_proj.{part}")]);
                AddJoined($"{block}ffn_up.{part}", [.. s_inner.Select(p => $"{layer}mlp.{p}_proj.{part}")]);
            }
            else
            {
                AddIfThere($"{block}attn_q.{part}", $"{layer}self_attn.q_proj.{part}", t => Scaled(Interleaved(t, _config.Heads), _config.Family.QueryKeyNorm == QueryKeyNorm.None));
                AddIfThere($"{block}attn_k.{part}", $"{layer}self_attn.k_proj.{part}", t => Interleaved(t, _config.KeyValueHeads));
                AddIfThere($"{block}attn_v.{part}", $"{layer}self_attn.v_proj.{part}");
                AddIfThere($"{block}ffn_gate.{part}", $"{layer}mlp.gate_proj.{part}");
                AddIfThere($"{block}ffn_up.{part}", $"{layer}mlp.up_proj.{part}");
            }
            AddIfThere($"{block}attn_output.{part}", $"{layer}self_attn.o_proj.{part}");
            AddIfThere($"{block}ffn_down.{part}", $"{layer}mlp.down_proj.{part}");
        }
        AddIfThere($"{block}attn_q_norm.weight", $"{layer}self_attn.q_norm.weight", t => Scaled(PlusOne(t), true));
        AddIfThere($"{block}attn_k_norm.weight", $"{layer}self_attn.k_norm.weight", PlusOne);
        AddIfThere($"{block}attn_norm.weight", $"{layer}input_layernorm.weight", PlusOne);
        // In families that normalize only before each part of a layer, post_attention_layernorm is the norm before the feed-forward part.
        AddIfThere(_config.Family.Norms == NormPlace.Before ? $"{block}ffn_norm.weight" : $"{block}post_attention_norm.weight", $"{layer}post_attention_layernorm.weight", PlusOne);
        AddIfThere($"{block}ffn_norm.weight", $"{layer}pre_feedforward_layernorm.weight", PlusOne);
        AddIfThere($"{block}post_ffw_norm.weight", $"{layer}post_feedforward_layernorm.weight", PlusOne);
    }

    private void AddIfThere(string name, string weight, Func<Tensor, Tensor>? change = null)
    {
        if (model.HasWeight(weight))
            Add(name, weight, change);
    }

    private void Add(string name, IReadOnlyList<double> values)
        => _tensors.Add(new GgufSource(name, GgufType.F32, [values.Count], sink => sink([.. values.Select(v => (float)v)])));

    private void Add(string name, string weight, Func<Tensor, Tensor>? change = null)
        => Add(name, model.ExportShape(weight), () => change is null ? model.ExportWeight(weight) : change(model.ExportWeight(weight)));

    private void AddJoined(string name, string[] weights)
    {
        if (!model.HasWeight(weights[0]))
            return;
        long[][] shapes = [.. weights.Select(model.ExportShape)];
        Add(name, [shapes.Sum(s => s[0]), .. shapes[0].Skip(1)], () => cat([.. weights.Select(w => model.ExportWeight(w).to_type(ScalarType.Float32))]));
    }

    private void Add(string name, long[] shape, Func<Tensor> get)
    {
        GgufType chosen = shape.Length == 1 ? GgufType.F32 : type;
        if (!GgufTypes.Holds(chosen, shape[^1]))
        {
            Narrow.Add(name);
            chosen = GgufType.F16;
        }
        _tensors.Add(new GgufSource(name, chosen, shape, sink => Write(name, chosen, shape, get, sink)));
    }

    private static void Write(string name, GgufType chosen, long[] shape, Func<Tensor> get, GgufSource.Sink sink)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor tensor = get().detach();
        long rows = shape.Length == 1 ? 1 : shape[0], columns = shape[^1], step = Math.Max(1, SliceElements / columns);
        Tensor flat = tensor.reshape(rows, columns);
        for (long at = 0; at < rows; at += step)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor part = flat.narrow(0, at, Math.Min(step, rows - at)).to(CPU).to_type(ScalarType.Float32).contiguous();
            // In Q8_0 the scale of a block is a float16, which must be finite too.
            double most = chosen switch { GgufType.F16 => (double)Half.MaxValue, GgufType.Q8_0 => 127 * (double)Half.MaxValue, _ => float.MaxValue };
            if (!(part.abs().max().ToDouble() <= most))
                throw new InputException($"tensor '{name}' has values that are not finite in {chosen}; export it as f32 or bf16, or train a model that stayed finite");
            sink(part.data<float>().ToArray());
        }
    }

    private Tensor PlusOne(Tensor weight) => _config.Family.OnePlusNorm ? weight.to_type(ScalarType.Float32) + 1 : weight;

    // If llama.cpp scales the attention's scores by another factor, the difference goes into the weights that the queries are made with.
    private Tensor Scaled(Tensor weight, bool here)
    {
        double scale = _config.AttentionScale / architecture.AttentionScale(_config);
        return !here || !_config.Family.QueryScalar || Math.Abs(scale - 1) < 1e-12 ? weight : weight.to_type(ScalarType.Float32) * scale;
    }

    /// <summary>Reorders the rows of [H D, ...]: in each head, row i becomes row 2i, and row i + D/2 becomes row 2i + 1.</summary>
    private Tensor Interleaved(Tensor weight, int heads)
        => !architecture.Interleaved ? weight : weight.reshape([heads, 2, _config.HeadDim / 2, -1]).transpose(1, 2).reshape(weight.shape);

    /// <summary>What each rotary frequency is divided by, for the scaling of Llama 3, which has no keys in GGUF; null for other models.</summary>
    private float[]? RopeFactors()
    {
        if (_config.Rope.Scaling != RopeScaling.Llama3)
            return null;
        double[] plain = new RopeSettings(_config.Rope.Theta).InverseFrequencies(_config.RotaryDim), scaled = _config.Rope.InverseFrequencies(_config.RotaryDim);
        return [.. plain.Zip(scaled, (p, s) => (float)(p / s))];
    }
}
