using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A decoder seen as a model of bytes. B texts, T positions of the trunk, E extra contexts, H hidden, V places of the vocabulary, S of a slice.
/// [positions, V] is never whole. Belongs to the device's thread.
/// </summary>
internal sealed class NextByteModel : IDisposable
{
    // Probabilities of a slice, and contexts of one extra pass.
    private const long SliceElements = 4 << 20;
    private const int MostQueries = 512;

    private readonly CausalLm _model;
    private readonly Func<Tensor, Tensor>? _embed;
    private readonly ContinuationRule _rule;
    private readonly TextEncoder _encoder;
    private readonly Tensor _head_VH;

    /// <param name="model">Stays the caller's.</param>
    /// <param name="vocabulary">Of the model's tokenizer.</param>
    /// <param name="embed">What goes into the first layer where it is more than the embeddings (input expansion of bytes): a whole row at a time.</param>
    public NextByteModel(CausalLm model, ByteVocabulary vocabulary, Func<Tensor, Tensor>? embed = null)
    {
        _model = model;
        _embed = embed;
        Vocabulary = vocabulary;
        _rule = new ContinuationRule(vocabulary);
        _encoder = vocabulary.Tokenizer.CreateEncoder();
        using IDisposable quiet = no_grad();
        using Tensor order = tensor(Array.ConvertAll(vocabulary.Ids.ToArray(), id => (long)id), device: model.Device);
        _head_VH = model.HeadWeight.index_select(0, order).DetachFromDisposeScope();
    }

    public ByteVocabulary Vocabulary { get; }

    internal CausalLm Model => _model;

    internal TextEncoder Encoder => _encoder;

    /// <summary>The laws of texts, in order.</summary>
    /// <param name="texts">None longer than the model's positions.</param>
    /// <param name="view">From which contexts.</param>
    /// <param name="leastShare">Contexts whose weight is at most this share of the text's probability up to them are left out, with all behind them; 0: none.</param>
    public IReadOnlyList<ScoredBytes> Score(IReadOnlyList<ByteText> texts, BytesView view, double leastShare = 0)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ScoredBytes[] scored = [.. texts.Select(text => new ScoredBytes(text, ByteTree.Of(text, Vocabulary, _rule, _encoder, view)))];
        bool extra = scored.Any(s => s.Tree.Nodes.Any(node => !node.IsTrunk));
        if (extra && _embed is not null)
            throw new InputException("a model whose input is expanded from bytes has tokens of several bytes; its exact next bytes cannot be computed, those of the trunk can");
        using KeyValueCache? cache = extra ? new KeyValueCache(_model.Config.Layers) : null;
        var pass = new TreePass(scored);
        AddTrunk(scored, pass, cache);
        while (extra && pass.Next(leastShare, MostQueries) is { } queries)
            AddExtra(scored, queries, cache!);
        return scored;
    }

    public void Dispose() => _head_VH.Dispose();

    /// <summary>The contexts of a text.</summary>
    internal ByteTree TreeOf(ByteText text) => ByteTree.Of(text, Vocabulary, _rule, _encoder, BytesView.Exact);

    /// <summary>[1, T, H] of a row of tokens.</summary>
    internal Tensor EmbedRow(int[] ids)
    {
        Tensor ids_BT = tensor([.. ids.Select(id => (long)id)], [1, ids.Length], device: _model.Device);
        return _embed?.Invoke(ids_BT) ?? _model.Embed(ids_BT);
    }

    /// <summary>[1, E, H] of the last tokens of rows, whatever comes before them.</summary>
    internal Tensor EmbedLast(IReadOnlyList<int[]> rows)
        => _embed is null ? EmbedRow([.. rows.Select(row => row[^1])]) : cat([.. rows.Select(row => EmbedRow(row).narrow(1, row.Length - 1, 1))], 1);

    /// <summary>Per context its probabilities in the order of the places.</summary>
    internal double[][] Probabilities(Tensor hidden_EH)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor p_EV = LogProbabilities(hidden_EH).exp();
        return [.. Enumerable.Range(0, (int)p_EV.size(0)).Select(i => Row(p_EV, i).ToArray())];
    }

    private void AddTrunk(ScoredBytes[] scored, TreePass pass, KeyValueCache? cache)
    {
        using DisposeScope scope = NewDisposeScope();
        TreeQueries trunk = pass.Trunk();
        Tensor ids_BT = tensor(trunk.Ids, [scored.Length, trunk.Length], device: _model.Device);
        using AttentionContext attention = _model.CreateAttention(scored.Length, trunk.Length, cache: cache);
        Tensor embedded = _embed?.Invoke(ids_BT) ?? _model.Embed(ids_BT);
        Tensor hidden_BTH = _model.FinalNorm(_model.RunLayers(embedded, 0, _model.Config.Layers, attention));
        AddAll(scored, trunk, hidden_BTH);
    }

    private void AddExtra(ScoredBytes[] scored, TreeQueries queries, KeyValueCache cache)
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = scored.Length, length = queries.Length, keys = cache.Length + length;
        Tensor ids_BE = tensor(queries.Ids, [rows, length], device: _model.Device);
        Tensor positions_BE = tensor(queries.Positions, [rows, length], device: _model.Device);
        Tensor seen_BES = tensor(queries.Seen, [rows, length, keys], device: _model.Device);
        Tensor keyPositions_BS = tensor(queries.KeyPositions, [rows, keys], device: _model.Device);
        using AttentionContext attention = _model.CreateTreeAttention(seen_BES, positions_BE, keyPositions_BS, cache);
        Tensor hidden_BEH = _model.FinalNorm(_model.RunLayers(_model.Embed(ids_BE), 0, _model.Config.Layers, attention));
        AddAll(scored, queries, hidden_BEH);
    }

    private void AddAll(ScoredBytes[] scored, TreeQueries queries, Tensor hidden_BTH)
    {
        Tensor at_R = tensor(queries.Real, device: _model.Device);
        Tensor hidden_RH = hidden_BTH.reshape(-1, _model.Config.HiddenSize).index_select(0, at_R);
        long step = Math.Max(1, SliceElements / Vocabulary.Count);
        for (long start = 0; start < queries.Real.Length; start += step)
        {
            using DisposeScope slice = NewDisposeScope();
            long length = Math.Min(step, queries.Real.Length - start);
            Tensor logP_SV = LogProbabilities(hidden_RH.narrow(0, start, length)), p_SV = logP_SV.exp();
            for (int i = 0; i < length; i++)
            {
                (int text, int node) = queries.Nodes[(int)start + i];
                scored[text].Add(node, Row(logP_SV, i), Row(p_SV, i), Vocabulary);
            }
        }
    }

    private static Span<double> Row(Tensor values_SV, int row)
    {
        int width = (int)values_SV.size(1);
        return MemoryMarshal.Cast<byte, double>(values_SV.bytes).Slice(row * width, width);
    }

    // [S, V] float64 on the CPU, over all tokens the model has.
    private Tensor LogProbabilities(Tensor hidden_SH)
    {
        Tensor logits = HeadForward.RawLogits(hidden_SH, _head_VH);
        if (_model.Config.FinalSoftcap is { } c)
            logits = logits.div(c).tanh().mul(c);
        return logits.to(ScalarType.Float64).log_softmax(1).cpu().contiguous();
    }
}
