using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>A decoder seen as a model of bytes. B rows, T tokens of the longest, H hidden. Belongs to the device's thread.</summary>
internal sealed class NextByteModel : IDisposable
{
    private readonly Func<Tensor, Tensor>? _embed;
    private readonly ByteRows _rows;

    /// <param name="model">Stays the caller's.</param>
    /// <param name="vocabulary">Of the model's tokenizer.</param>
    /// <param name="embed">What goes into the first layer where it is more than the embeddings (input expansion of bytes): a whole row at a time.</param>
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

    /// <summary>[V] per place of the vocabulary its id.</summary>
    public Tensor Order_V { get; }

    /// <summary>[V, H] the head's rows in the order of the places.</summary>
    public Tensor Head_VH { get; }

    /// <summary>The laws of texts, in order.</summary>
    /// <param name="texts">None longer than the model's positions.</param>
    /// <param name="view">From which contexts.</param>
    /// <param name="leastShare">Contexts whose weight is at most this share of the text's probability up to them are left out, with all behind them; 0: none.</param>
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

    /// <summary>A row of a batch that somebody else runs the model over; see <see cref="Begin"/>.</summary>
    public ScoredRow Row(TokenSequence tokens, BytesView view) => _rows.Row(tokens, view);

    /// <summary>Contexts of rows that are run together.</summary>
    /// <exception cref="InputException">Other contexts than the rows' own cannot be run.</exception>
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

    /// <summary>The contexts of a text.</summary>
    internal ByteTree TreeOf(ByteText text) => _rows.Tree(text, BytesView.Exact);

    /// <summary>[1, T, H] of a row of tokens, from one on.</summary>
    internal Tensor EmbedRow(int[] ids, int from = 0)
    {
        Tensor ids_BT = tensor([.. ids.Select(id => (long)id)], [1, ids.Length], device: Model.Device);
        return (_embed?.Invoke(ids_BT) ?? Model.Embed(ids_BT)).narrow(1, from, ids.Length - from);
    }

    /// <summary>[1, E, H] of the last tokens of rows, whatever comes before them.</summary>
    internal Tensor EmbedLast(IReadOnlyList<int[]> rows)
        => _embed is null ? EmbedRow([.. rows.Select(row => row[^1])]) : cat([.. rows.Select(row => EmbedRow(row).narrow(1, row.Length - 1, 1))], 1);

    /// <summary>Per context its probabilities in the order of the places.</summary>
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
