using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A decoder model, asked for its next bytes. B rows, T tokens in the longest row, E contexts, H hidden size, V places. To be used on the device's
/// thread.
/// </summary>
internal sealed class NextByteModel : IDisposable
{
    private readonly Func<Tensor, Tensor>? _embed;
    private readonly ByteRows _rows;

    /// <param name="model">The decoder. It is not disposed here.</param>
    /// <param name="vocabulary">The vocabulary of the model's tokenizer.</param>
    /// <param name="embed">
    /// Makes the first layer's input from the ids of whole rows, [B, T] to [B, T, H], for models with input expansion. Null: the embeddings.
    /// </param>
    public NextByteModel(CausalLm model, ByteVocabulary vocabulary, Func<Tensor, Tensor>? embed = null)
    {
        Model = model;
        _embed = embed;
        Vocabulary = vocabulary;
        _rows = new ByteRows(vocabulary);
        using IDisposable quiet = no_grad();
        Order_V = tensor(Array.ConvertAll(vocabulary.Ids.ToArray(), id => (long)id), device: model.Device).DetachFromDisposeScope();
        Head_VH = model.HeadWeight.index_select(0, Order_V).DetachFromDisposeScope();
    }

    public CausalLm Model { get; }

    public ByteVocabulary Vocabulary { get; }

    internal TextEncoder Encoder => _rows.Encoder;

    /// <summary>[V] int64, the id of the token at each place.</summary>
    public Tensor Order_V { get; }

    /// <summary>[V, H] the head's rows in the order of the places.</summary>
    public Tensor Head_VH { get; }

    /// <summary>Computes the next bytes of texts, in one batch.</summary>
    /// <param name="texts">Texts that fit into the model's positions.</param>
    /// <param name="view">Which contexts are computed.</param>
    /// <param name="leastShare">
    /// A context whose weight is at most this share of the text's probability up to it is left out, with everything after it. 0 leaves out nothing.
    /// </param>
    /// <returns>The texts with their distributions, in the same order.</returns>
    /// <exception cref="InputException">See <see cref="Begin"/>.</exception>
    public IReadOnlyList<ScoredBytes> Score(IReadOnlyList<ByteText> texts, BytesView view, double leastShare = 0)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ScoredRow[] rows = [.. texts.Select(text => new ScoredRow(
            text.Mark is { } mark ? [mark, .. text.Ids] : text.Ids, [_rows.Text(text, view)]))];
        using NextBytePass pass = Begin(rows);
        BatchTensors tensors = BatchTensors.Of([.. rows.Select(row => row.Ids)], Model.Device);
        using AttentionContext attention = Model.CreateAttention(rows.Length, (int)tensors.Ids_BT.size(1), cache: pass.Cache, lengths: tensors.Lengths);
        Tensor embedded_BTH = _embed?.Invoke(tensors.Ids_BT) ?? Model.Embed(tensors.Ids_BT);
        Tensor last_BTH = Model.FinalNorm(Model.RunLayers(embedded_BTH, 0, Model.Config.Layers, attention));
        pass.AddTrunk(last_BTH.reshape(-1, Model.Config.HiddenSize).index_select(0, tensors.Real_R), null);
        pass.AddOthers(leastShare);
        return [.. rows.Select(row => row.Parts[0])];
    }

    /// <summary>Prepares a row of a batch over which the caller runs the model; see <see cref="Begin"/>.</summary>
    public ScoredRow Row(TokenSequence tokens, BytesView view) => _rows.Row(tokens, view);

    /// <summary>Begins to compute the contexts of rows that are run as one batch.</summary>
    /// <exception cref="InputException">There are contexts other than the rows' own, and the model has input expansion, which cannot run them.</exception>
    public NextBytePass Begin(IReadOnlyList<ScoredRow> rows)
    {
        var pass = new NextBytePass(this, rows);
        if (pass.Cache is null || _embed is null)
            return pass;
        pass.Dispose();
        throw new InputException("exact next bytes cannot be computed for a model with input expansion and tokens of several bytes; those of the trunk can");
    }

    public void Dispose()
    {
        Order_V.Dispose();
        Head_VH.Dispose();
    }

    /// <summary>The tree of all contexts of a text.</summary>
    internal ByteTree TreeOf(ByteText text) => _rows.Tree(text, BytesView.Exact);

    /// <summary>The first layer's input for a row of tokens, without the first <paramref name="from"/> positions: [1, T - from, H].</summary>
    internal Tensor EmbedRow(int[] ids, int from = 0)
    {
        Tensor ids_BT = tensor([.. ids.Select(id => (long)id)], [1, ids.Length], device: Model.Device);
        return (_embed?.Invoke(ids_BT) ?? Model.Embed(ids_BT)).narrow(1, from, ids.Length - from);
    }

    /// <summary>The first layer's input for the last token of each of E rows: [1, E, H].</summary>
    internal Tensor EmbedLast(IReadOnlyList<int[]> rows)
        => _embed is null ? EmbedRow([.. rows.Select(row => row[^1])]) : cat([.. rows.Select(row => EmbedRow(row).narrow(1, row.Length - 1, 1))], 1);

    /// <summary>[E][V] the probabilities in each context, in the order of the places.</summary>
    internal double[][] Probabilities(Tensor hidden_EH)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits_EV = HeadPass.RawLogits(hidden_EH, Head_VH);
        if (Model.Config.FinalSoftcap is { } c)
            logits_EV = logits_EV.div(c).tanh().mul(c);
        double[] p = [.. logits_EV.to(ScalarType.Float64).softmax(1).cpu().contiguous().data<double>()];
        return [.. p.Chunk(Vocabulary.Count)];
    }
}
