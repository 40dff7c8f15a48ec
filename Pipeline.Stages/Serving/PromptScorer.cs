using Pipeline.Stages.Batching;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Serving;

/// <summary>
/// Scores prompts with models that share a tokenizer, in batches of similar length or by continuing from the keys of a text with the same beginning. May
/// only be used on the device's thread. R tokens, S tokens of a slice, V rows of the vocabulary, H hidden size. [R, V] is computed slice by slice and never
/// held as a whole.
/// </summary>
internal sealed class PromptScorer(IReadOnlyList<LanguageModel> members, Averaging averaging, PrefixCache prefixes)
{
    private readonly int _rows = members.Min(m => m.ValidRows);

    /// <summary>For each prompt, one position for each of its tokens and one for the token after them. Keeps the prompts' keys for later texts.</summary>
    /// <param name="prompts">The ids of the prompts.</param>
    /// <param name="top">How many of the most likely tokens are listed at each position; at least one is.</param>
    /// <param name="batchTokens">How many tokens a batch may have, padding included.</param>
    public IReadOnlyList<IReadOnlyList<ServedPosition>> Score(IReadOnlyList<int[]> prompts, int top, int batchTokens)
    {
        using IDisposable quiet = no_grad();
        var results = new IReadOnlyList<ServedPosition>[prompts.Count];
        // Each position lists at least its most likely token, because a caller may read from it what would be generated next.
        int listed = Math.Min(_rows, Math.Max(1, top));
        List<int> rest = [];
        for (int i = 0; i < prompts.Count; i++)
        {
            if (members.All(m => m.Expansion is null) && prefixes.Find(prompts[i], listed) is var (entry, common))
                results[i] = AfterPrefix(entry, common, prompts[i], listed);
            else
                rest.Add(i);
        }
        if (rest.Count == 0)
            return results;
        foreach (int[] batch in LengthBatches.Plan([.. rest.Select(i => prompts[i].Length)], batchTokens))
        {
            IReadOnlyList<ServedPosition>[] some = Together([.. batch.Select(i => prompts[rest[i]])], listed);
            for (int i = 0; i < batch.Length; i++)
                results[rest[batch[i]]] = some[i];
        }
        return results;
    }

    private IReadOnlyList<ServedPosition>[] Together(int[][] rows, int listed)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.Of(rows, members[0].Device);
        KeyValueCache[] caches = [.. members.Select(m => new KeyValueCache(m.Model.Config.Layers))];
        try
        {
            Tensor[] hidden_RH = [.. members.Select((m, i) => Hidden(m, batch.Ids_BT, batch.Lengths, caches[i]).flatten(0, 1).index_select(0, batch.Real_R))];
            List<Place> places = Places(hidden_RH, [.. rows.SelectMany(row => row.Skip(1).Append(-1))], listed);
            var results = new IReadOnlyList<ServedPosition>[rows.Length];
            for (int b = 0, at = 0; b < rows.Length; at += rows[b++].Length)
            {
                results[b] = [new ServedPosition(rows[b][0], double.NaN, 0, []), .. Named(places.GetRange(at, rows[b].Length), [.. rows[b].Skip(1), -1])];
                int row = b;
                prefixes.Put(new PrefixEntry(rows[b], [.. caches.Select(cache => cache.Copy([row], 0, rows[row].Length - 1))], results[b], listed));
            }
            return results;
        }
        finally
        {
            foreach (KeyValueCache cache in caches)
                cache.Dispose();
        }
    }

    private List<ServedPosition> AfterPrefix(PrefixEntry entry, int common, int[] ids, int listed)
    {
        using DisposeScope scope = NewDisposeScope();
        // The hidden state of the last common token predicts what comes next. It is not kept, so this token is computed again.
        int past = Math.Min(common, Math.Min(ids.Length, entry.Ids.Length)) - 1;
        KeyValueCache[] keys = entry.First(past);
        Tensor ids_BT = tensor([.. ids.Skip(past).Select(id => (long)id)], [1, ids.Length - past], device: members[0].Device);
        Tensor[] hidden_RH = [.. members.Select((m, i) => Hidden(m, ids_BT, null, keys[i]).squeeze(0))];
        List<ServedPosition> positions =
        [
            .. entry.Positions!.Take(past + 1),
            .. Named(Places(hidden_RH, [.. ids.Skip(past + 1), -1], listed), [.. ids.Skip(past + 1), -1]),
        ];
        foreach (KeyValueCache cache in keys)
            cache.Truncate(ids.Length - 1);
        prefixes.Put(new PrefixEntry(ids, keys, positions, listed));
        return positions;
    }

    private static Tensor Hidden(LanguageModel member, Tensor ids_BT, IReadOnlyList<int>? lengths, KeyValueCache cache)
    {
        CausalLm model = member.Model;
        using AttentionContext attention = model.CreateAttention((int)ids_BT.size(0), (int)ids_BT.size(1), cache: cache, lengths: lengths);
        return model.FinalNorm(model.RunLayers(member.Embed(ids_BT), 0, model.Config.Layers, attention));
    }

    private List<Place> Places(Tensor[] hidden_RH, int[] targets, int listed)
    {
        var places = new List<Place>();
        long step = Math.Max(1, EnsembleHead.SliceElements / _rows);
        for (long start = 0; start < targets.Length; start += step)
        {
            using DisposeScope slice = NewDisposeScope();
            int length = (int)Math.Min(step, targets.Length - start);
            Tensor logits_SV = EnsembleHead.Combine([.. members.Select((m, i) => EnsembleHead.Logits(hidden_RH[i].narrow(0, start, length), m, _rows))], averaging);
            Tensor logP_SV = logits_SV.log_softmax(1);
            Tensor targets_S1 = tensor([.. targets.Skip((int)start).Take(length).Select(id => (long)Math.Max(0, id))], [length, 1], device: logP_SV.device);
            Tensor chosen_S1 = logP_SV.gather(1, targets_S1);
            float[] chosen = [.. chosen_S1.cpu().flatten().data<float>()];
            long[] ranks = [.. logP_SV.gt(chosen_S1).sum(dim: 1).cpu().data<long>()];
            (Tensor values, Tensor indexes) = logP_SV.topk(listed, 1);
            float[] topValues = [.. values.cpu().contiguous().flatten().data<float>()];
            long[] topIds = [.. indexes.cpu().contiguous().flatten().data<long>()];
            for (int i = 0; i < length; i++)
                places.Add(new Place(chosen[i], (int)ranks[i] + 1, [.. Enumerable.Range(i * listed, listed).Select(t => new ListedToken((int)topIds[t], topValues[t]))]));
        }
        return places;
    }

    private static IEnumerable<ServedPosition> Named(List<Place> places, int[] ids)
        => places.Select((place, i) => ids[i] < 0 ? new ServedPosition(-1, double.NaN, 0, place.Top) : new ServedPosition(ids[i], place.LogP, place.Rank, place.Top));

    private readonly record struct Place(double LogP, int Rank, ListedToken[] Top);
}
