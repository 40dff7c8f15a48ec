using System.Runtime.InteropServices;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Computes the contexts of a batch of rows. Those of the rows' own tokens come from the pass that the caller runs anyway, and the others run
/// afterwards as queries against the keys of that pass. The probabilities [positions, V] are never in memory as a whole, because they are summed
/// slice by slice as the head computes them. B rows, R tokens in all rows, E other contexts of a row, S keys, H hidden size, V places.
/// </summary>
internal sealed class NextBytePass : IDisposable
{
    // One pass takes about as many other contexts of a row as the longest row has tokens, but stays within these limits.
    private const int LeastQueries = 64, MostQueries = 512;

    private readonly NextByteModel _model;
    private readonly IReadOnlyList<ScoredRow> _rows;
    private readonly TreePass _pass;

    public NextBytePass(NextByteModel model, IReadOnlyList<ScoredRow> rows)
    {
        (_model, _rows, _pass) = (model, rows, new TreePass(rows));
        Cache = _pass.HasMore ? new KeyValueCache(model.Model.Config.Layers) : null;
    }

    /// <summary>The cache that the pass over the rows themselves must fill; null where there are no other contexts.</summary>
    public KeyValueCache? Cache { get; }

    /// <summary>Scores the rows' tokens, and adds the contexts that end with them.</summary>
    /// <param name="last_RH">Hidden states of the rows' tokens after the final norm, one row after the other.</param>
    /// <param name="boundary_V">bool by id: the tokens whose boundary mass is wanted; null where it is not.</param>
    /// <returns>[R] scores of the token after each token; the log-likelihood after the last token of a row is 0.</returns>
    public HeadScores AddTrunk(Tensor last_RH, Tensor? boundary_V)
    {
        long[] targets = [.. _rows.SelectMany(row => row.Ids.Skip(1).Select(id => (long)_model.Vocabulary.PlaceOf(id)).Append(-1))];
        return Add(last_RH, tensor(targets, device: last_RH.device), boundary_V?.index_select(0, _model.Order_V), _pass.Trunk);
    }

    /// <summary>Computes and adds the contexts that are not the rows' own. Call it after <see cref="AddTrunk"/>.</summary>
    /// <param name="leastShare">See <see cref="NextByteModel.Score"/>.</param>
    public void AddOthers(double leastShare)
    {
        while (Cache is not null && _pass.Next(leastShare, Math.Clamp(_pass.Length, LeastQueries, MostQueries)) is { } queries)
            AddOthers(queries, Cache);
    }

    public void Dispose() => Cache?.Dispose();

    private void AddOthers(TreeQueries queries, KeyValueCache cache)
    {
        using DisposeScope scope = NewDisposeScope();
        CausalLm model = _model.Model;
        long rows = _rows.Count, length = queries.Length, keys = cache.Length + length;
        Tensor ids_BE = tensor(queries.Ids, [rows, length], device: model.Device);
        Tensor positions_BE = tensor(queries.Positions, [rows, length], device: model.Device);
        Tensor seen_BES = tensor(queries.Seen, [rows, length, keys], device: model.Device);
        Tensor keyPositions_BS = tensor(queries.KeyPositions, [rows, keys], device: model.Device);
        using AttentionContext attention = model.CreateTreeAttention(seen_BES, positions_BE, keyPositions_BS, cache);
        Tensor hidden_BEH = model.FinalNorm(model.RunLayers(model.Embed(ids_BE), 0, model.Config.Layers, attention));
        Tensor hidden_RH = hidden_BEH.reshape(-1, model.Config.HiddenSize).index_select(0, tensor(queries.Real, device: model.Device));
        Add(hidden_RH, full([queries.Real.Length], -1L, dtype: ScalarType.Int64, device: model.Device), null, queries.Nodes);
    }

    private HeadScores Add(Tensor hidden_RH, Tensor targets_R, Tensor? boundary_V, IReadOnlyList<NodePlace?> nodes)
        => VocabularyHead.Score(hidden_RH, _model.Head_VH, targets_R, new HeadOptions(_model.Model.Config.FinalSoftcap, BoundaryMask: boundary_V)
        {
            OnSlice = slice => AddSlice(slice, nodes),
        });

    private void AddSlice(HeadSlice slice, IReadOnlyList<NodePlace?> nodes)
    {
        using Tensor weights_SV = slice.Weights_SV.cpu().contiguous();
        (int count, int width) = ((int)weights_SV.size(0), (int)weights_SV.size(1));
        Span<float> weights = MemoryMarshal.Cast<byte, float>(weights_SV.bytes);
        for (int i = 0; i < count; i++)
        {
            if (nodes[(int)slice.Start + i] is { } place)
                PartOf(place).Add(place.Node, weights.Slice(i * width, width), _model.Vocabulary);
        }
    }

    private ScoredBytes PartOf(NodePlace place) => _rows[place.Row].Parts[place.Part];
}
