using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// One decoder layer, of any family. B batch, T positions, S keys (cached ones and those of this call), H hidden, D head width.
/// </summary>
internal sealed partial class DecoderLayer
{
    private readonly ModelConfig _config;
    private readonly int _index;
    private readonly bool _grouped, _normsPerHead;
    private readonly Norm? _inputNorm, _feedForwardNorm, _queryNorm, _keyNorm, _attentionOutputNorm, _feedForwardOutputNorm;
    private readonly Projection _query, _key, _value, _output, _gate, _up, _down;
    private readonly Scalar _scale;

    public DecoderLayer(ModelConfig config, int index, Func<string, Weight> weight)
    {
        _config = config;
        _index = index;
        _grouped = config.KeyValueHeads != config.Heads;
        _scale = config.AttentionScale;
        string prefix = WeightNames.Layer(index);
        Projection Map(string name, bool bias) => new(weight($"{prefix}{name}.weight"), bias ? weight($"{prefix}{name}.bias") : null);
        Norm NewNorm(string name, int width) => new(weight($"{prefix}{name}.weight"), width, config);
        _query = Map("self_attn.q_proj", config.QueryKeyValueBias);
        _key = Map("self_attn.k_proj", config.QueryKeyValueBias);
        _value = Map("self_attn.v_proj", config.QueryKeyValueBias);
        _output = Map("self_attn.o_proj", config.OutputBias);
        _gate = Map("mlp.gate_proj", config.MlpBias);
        _up = Map("mlp.up_proj", config.MlpBias);
        _down = Map("mlp.down_proj", config.MlpBias);
        Projections = [_query, _key, _value, _output, _gate, _up, _down];
        _normsPerHead = config.Family.QueryKeyNorm == QueryKeyNorm.PerHead;
        if (config.Family.QueryKeyNorm != QueryKeyNorm.None)
        {
            _queryNorm = NewNorm("self_attn.q_norm", config.HeadDim * (_normsPerHead ? 1 : config.Heads));
            _keyNorm = NewNorm("self_attn.k_norm", config.HeadDim * (_normsPerHead ? 1 : config.KeyValueHeads));
        }

        int hidden = config.HiddenSize;
        NormPlace norms = config.Family.Norms;
        if (norms != NormPlace.After)
        {
            _inputNorm = NewNorm("input_layernorm", hidden);
            // In some families, "post_attention_layernorm" is the norm before the feed-forward part; in others, it is one after the attention.
            _feedForwardNorm = NewNorm(norms == NormPlace.Around ? "pre_feedforward_layernorm" : "post_attention_layernorm", hidden);
        }

        if (norms != NormPlace.Before)
        {
            _attentionOutputNorm = NewNorm("post_attention_layernorm", hidden);
            _feedForwardOutputNorm = NewNorm("post_feedforward_layernorm", hidden);
        }
    }

    /// <summary>All linear maps of the layer, in the order of the computation.</summary>
    public IReadOnlyList<Projection> Projections { get; }

    /// <summary>
    /// Changes the output [B, T, H] of the feed-forward part, before any norm of it and before it is added to the residual stream; null: no change.
    /// </summary>
    public Func<Tensor, Tensor>? FeedForwardEdit { get; set; }

    /// <summary>Changes the residual stream [B, T, H] after the layer; null: no change.</summary>
    public Func<Tensor, Tensor>? OutputEdit { get; set; }

    private IEnumerable<Weight> Weights
        => new[] { _inputNorm, _feedForwardNorm, _queryNorm, _keyNorm, _attentionOutputNorm, _feedForwardOutputNorm }.OfType<Norm>().Select(norm => norm.Weight)
            .Concat(Projections.SelectMany(map => new[] { map.Weight, map.Bias, map.Adapter?.Down, map.Adapter?.Up }).OfType<Weight>());

    /// <summary>Any trainable weight of the layer; null if none is trainable.</summary>
    public Tensor? Trainable()
    {
        foreach (Weight weight in Weights)
        {
            if (weight.Tensor.requires_grad)
                return weight.Tensor;
        }

        return null;
    }

    /// <summary>The residual stream [B, T, H] after the layer. It belongs to the caller's dispose scope.</summary>
    public Tensor Forward(Tensor x_BTH, AttentionContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attended = Attend(_inputNorm?.Apply(x_BTH) ?? x_BTH, context);
        Tensor y = Sum(x_BTH, _attentionOutputNorm?.Apply(attended) ?? attended);
        Tensor h = _feedForwardNorm?.Apply(y) ?? y;
        Tensor fed = FeedForward(h);
        fed = FeedForwardEdit?.Invoke(fed) ?? fed;
        Tensor normed = _feedForwardOutputNorm?.Apply(fed) ?? fed;
        // An edit may have kept its input or its result, so with one nothing is added in place.
        Tensor output = FeedForwardEdit is null ? Sum(y, normed) : y + normed;
        return (OutputEdit?.Invoke(output) ?? output).MoveToOuterDisposeScope();
    }

    private Tensor FeedForward(Tensor h)
    {
        // These are the largest matrices of a layer. They are freed as soon as possible, and overwritten if no gradient needs them.
        Tensor activated;
        using (Tensor gate = _gate.Apply(h))
            activated = Activations.Apply(_config.Activation, gate);
        using Tensor up = _up.Apply(h), both = activated.requires_grad || up.requires_grad ? activated * up : activated.mul_(up);
        return _down.Apply(both);
    }

    // If no gradient is needed, the sum overwrites the second operand.
    private static Tensor Sum(Tensor x, Tensor added) => x.requires_grad || added.requires_grad ? x + added : added.add_(x);

    private Tensor Attend(Tensor h_BTH, AttentionContext context)
    {
        (int batch, int length, int width) = (context.Batch, context.Length, _config.HeadDim);
        bool sliding = _config.IsSliding[_index];
        Tensor Heads(Projection map, int heads, Norm? norm)
        {
            Tensor together = map.Apply(h_BTH);
            if (norm is not null && !_normsPerHead)
                together = norm.Apply(together);
            Tensor split = together.view(batch, length, heads, width);
            if (norm is not null && _normsPerHead)
                split = norm.Apply(split);
            return split.transpose(1, 2);
        }

        RotaryTable rotary = sliding ? context.SlidingRotary : context.Rotary;
        Tensor q = rotary.Rotate(Heads(_query, _config.Heads, _queryNorm));
        Tensor k = rotary.Rotate(Heads(_key, _config.KeyValueHeads, _keyNorm));
        Tensor v = Heads(_value, _config.KeyValueHeads, null);
        if (context.Cache is { } cache)
            (k, v) = cache.Append(_index, k, v);
        Tensor? mask = sliding ? context.SlidingMask : context.FullMask;
        Tensor mixed = _config.AttentionSoftcap is { } softcap ? Softcapped(q, k, v, mask, softcap)
            : mask is null ? TorchScripts.Attention(q, k, v, context.IsCausal, _scale, _grouped)
            : TorchScripts.MaskedAttention(q, k, v, mask, _scale, _grouped);
        return _output.Apply(mixed.transpose(1, 2).reshape(batch, length, _config.Heads * width));
    }

    // softmax(softcap * tanh(scale q k / softcap) + mask) v. The query heads that share a key head get a dimension of their own.
    private Tensor Softcapped(Tensor q_BHTD, Tensor k_BKSD, Tensor v_BKSD, Tensor? mask, double softcap)
    {
        long batch = q_BHTD.size(0), heads = q_BHTD.size(1), length = q_BHTD.size(2), width = q_BHTD.size(3), groups = k_BKSD.size(1);
        Tensor q = (q_BHTD * (_scale.ToDouble() / softcap)).reshape(batch, groups, heads / groups, length, width);
        Tensor scores = TorchScripts.Product(q, k_BKSD.unsqueeze(2).transpose(-2, -1)).tanh() * softcap;
        if (mask is not null)
            scores = scores + mask.unsqueeze(2);
        Tensor weights = nn.functional.softmax(scores, -1, ScalarType.Float32).to(q.dtype);
        return TorchScripts.Product(weights, v_BKSD.unsqueeze(2)).reshape(batch, heads, length, width);
    }
}
