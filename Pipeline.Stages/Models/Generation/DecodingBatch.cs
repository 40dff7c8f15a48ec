using Pipeline.Contracts.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// Rows of tokens that are continued together, by one model or by several that answer as one, with their cached keys and values. Rows may differ in
/// length: shorter ones are padded on the left and masked. Rows can join and leave while others go on. To be used on the device's thread. B rows,
/// T positions, H hidden, V tokens that may come next.
/// </summary>
/// <param name="members">The models. They share one vocabulary, and stay the caller's.</param>
/// <param name="combine">Makes one [B, V] of the members' logits, [B, V] each. Null for a single member.</param>
/// <param name="validRows">V, the number of tokens that may come next. Later rows of the head are left out. 0 means all rows.</param>
/// <param name="useCache">False computes every position again at each step, which tests compare with. Rows then have to be added all at once.</param>
internal sealed class DecodingBatch(
    IReadOnlyList<DecodingMember> members, Func<IReadOnlyList<Tensor>, Tensor>? combine = null, int validRows = 0, bool useCache = true) : IDisposable
{
    private readonly List<List<int>> _rows = [];
    private KeyValueCache[] _caches = [];

    /// <summary>B, the number of rows.</summary>
    public int Count => _rows.Count;

    /// <summary>The tokens of a row so far.</summary>
    public IReadOnlyList<int> Row(int row) => _rows[row];

    /// <summary>
    /// Adds new rows, to be called between steps. Into an empty batch, their tokens are computed with the next step. If there are rows already, all tokens
    /// of the new ones but the last are computed at once.
    /// </summary>
    /// <exception cref="InputException">A row is empty, or has a token that a model does not have.</exception>
    /// <exception cref="InvalidOperationException">
    /// The rows that are there are not between steps: they still wait for their first step, or for the tokens of the last one.
    /// </exception>
    public void Add(IReadOnlyList<IReadOnlyList<int>> rows)
    {
        Check(rows);
        if (_rows.Count > 0)
        {
            Add(rows, Prefill(rows));
            return;
        }
        _rows.AddRange(rows.Select(row => row.ToList()));
        _caches = useCache ? NewCaches() : [];
    }

    /// <summary>
    /// Adds rows whose keys are known, to be called between steps. These are the keys of all tokens but the last. Only where a single row joins an empty
    /// batch may there be fewer: the next step computes the rest.
    /// </summary>
    /// <param name="rows">The tokens of each row.</param>
    /// <param name="starts">For each row and member, the keys and values of its first tokens. They belong to this object from here on.</param>
    /// <exception cref="InputException">A row is empty, or has a token that a model does not have.</exception>
    /// <exception cref="InvalidOperationException">
    /// The rows that are there are not between steps: they still wait for their first step, or for the tokens of the last one.
    /// </exception>
    public void Add(IReadOnlyList<IReadOnlyList<int>> rows, IReadOnlyList<IReadOnlyList<KeyValueCache>> starts)
    {
        Check(rows);
        bool isBehind = _rows.Count > 0 && _caches[0].Length != _rows.Max(r => r.Count) - 1;
        if (isBehind)
            throw new InvalidOperationException("rows join between steps, when all tokens but the last ones are computed");
        List<IReadOnlyList<KeyValueCache>> parts = [.. starts];
        List<int> counts = [.. Enumerable.Repeat(1, rows.Count)];
        if (_rows.Count > 0)
        {
            parts.Insert(0, _caches);
            counts.Insert(0, _rows.Count);
        }
        if (parts.Count == 1)
        {
            Free(_caches);
            _caches = [.. parts[0]];
        }
        else
        {
            _caches = [.. members.Select((_, m) => KeyValueCache.Join([.. parts.Select(part => part[m])], counts))];
            Free(parts.SelectMany(part => part));
        }
        _rows.AddRange(rows.Select(row => row.ToList()));
    }

    /// <summary>
    /// Computes the keys and values of all tokens but the last, for each row and member. They are the caller's to dispose, and the batch stays as it is.
    /// </summary>
    /// <param name="rows">The tokens of each row. The rows are computed together, with padding on the right of shorter ones.</param>
    /// <exception cref="InputException">A row is empty, or has a token that a model does not have.</exception>
    public KeyValueCache[][] Prefill(IReadOnlyList<IReadOnlyList<int>> rows)
    {
        Check(rows);
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int longest = rows.Max(row => row.Count) - 1;
        var made = new KeyValueCache[rows.Count][];
        for (int i = 0; i < rows.Count; i++)
            made[i] = NewCaches();
        if (longest == 0)
            return made;
        for (int m = 0; m < members.Count; m++)
        {
            using var cache = new KeyValueCache(members[m].Model.Config.Layers);
            CausalLm model = members[m].Model;
            Tensor ids_BT = tensor([.. rows.SelectMany(row => Enumerable.Range(0, longest).Select(t => t < row.Count - 1 ? (long)row[t] : 0))], [rows.Count, longest], device: model.Device);
            using AttentionContext attention = model.CreateAttention(rows.Count, longest, cache: cache, lengths: [.. rows.Select(row => Math.Max(1, row.Count - 1))]);
            Tensor embedded = members[m].Embed is { } embed ? stack([.. rows.Select((_, i) => embed(ids_BT.narrow(0, i, 1)).squeeze(0))], 0) : model.Embed(ids_BT);
            model.RunLayers(embedded, 0, model.Config.Layers, attention);
            for (int i = 0; i < rows.Count; i++)
            {
                made[i][m].Dispose();
                made[i][m] = cache.Copy([i], 0, rows[i].Count - 1);
            }
        }
        return made;
    }

    /// <summary>
    /// Computes the keys and values that a row still lacks, up to but not including its last token. Where its length changes the rotation of the
    /// known ones, all are computed again. The batch stays as it is.
    /// </summary>
    /// <param name="row">The tokens of the row.</param>
    /// <param name="start">For each member, the keys and values of the row's first tokens, to which the others are added. They stay the caller's.</param>
    /// <exception cref="InputException">The row is empty, or has a token that a model does not have.</exception>
    public void Extend(IReadOnlyList<int> row, IReadOnlyList<KeyValueCache> start)
    {
        Check([row]);
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (int m = 0; m < members.Count; m++)
        {
            CausalLm model = members[m].Model;
            if (!model.Config.Rope.IsSame(start[m].Length, row.Count - 1))
                start[m].Clear();
            int past = start[m].Length, length = row.Count - 1 - past;
            if (length <= 0)
                continue;
            using AttentionContext attention = model.CreateAttention(1, length, cache: start[m]);
            model.RunLayers(Embedded(members[m], [row], [0], past, row.Count - 1), 0, model.Config.Layers, attention);
        }
    }

    /// <summary>Adds a token at the end of a row. After a step, each row has to get one before the next step.</summary>
    public void Append(int row, int id) => _rows[row].Add(id);

    /// <summary>Keeps these rows and removes all others.</summary>
    /// <param name="rows">The numbers of the rows, ascending.</param>
    public void Keep(IReadOnlyList<int> rows)
    {
        if (rows.Count == _rows.Count)
            return;
        int before = _rows.Max(row => row.Count);
        List<int>[] kept = [.. rows.Select(row => _rows[row])];
        _rows.Clear();
        _rows.AddRange(kept);
        KeyValueCache[] old = _caches;
        // The padding that is no longer needed is counted by the rows. The length of the cache does not tell: it is that of the longest row between a step
        // and its new tokens, and one less after them.
        int dropped = kept.Length == 0 ? 0 : before - kept.Max(row => row.Count);
        _caches = kept.Length == 0 ? [] : [.. old.Select(cache => cache.Length <= dropped ? Emptied(cache) : cache.Copy(rows, dropped, cache.Length - dropped))];
        Free(old.Except(_caches));
    }

    /// <summary>For each member, a copy of the keys and values of a row's tokens but the last, as far as they are computed. The caller disposes it.</summary>
    public KeyValueCache[] KeysOf(int row)
    {
        int padding = _rows.Max(r => r.Count) - _rows[row].Count;
        return [.. _caches.Select(cache => cache.Copy([row], padding, Math.Max(0, Math.Min(cache.Length - padding, _rows[row].Count - 1))))];
    }

    /// <summary>
    /// Makes a step: computes the tokens that are not computed yet, and says what comes next in each row. The result is [B][V] logits, or what the members'
    /// logits were combined into.
    /// </summary>
    /// <exception cref="InputException">The result is not finite.</exception>
    public float[][] Next()
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] logits_BV = [.. members.Select((member, m) => Logits(member, useCache ? _caches[m] : null))];
        Tensor one_BV = combine is null ? logits_BV[0] : combine(logits_BV);
        float[] flat = one_BV.cpu().contiguous().data<float>().ToArray();
        int width = flat.Length / _rows.Count;
        if (NotFinite.FirstIn(flat) is >= 0 and int bad)
        {
            int whose = Array.FindIndex(logits_BV, logits => !logits.isfinite().all().item<bool>());
            CausalLm model = members[Math.Max(0, whose)].Model;
            throw NotFinite.Refusal(model.Source, model, $"the logits after {_rows[bad / width].Count} tokens");
        }
        return [.. flat.Chunk(width)];
    }

    public void Dispose() => Free(_caches);

    private Tensor Logits(DecodingMember member, KeyValueCache? cache)
    {
        CausalLm model = member.Model;
        int batch = _rows.Count, total = _rows.Max(row => row.Count);
        int[] padding = [.. _rows.Select(row => total - row.Count)];
        // Cached keys are rotated already. Where a row's new length changes the rotation, all rows are computed again.
        if (cache is not null && padding.Any(count => !model.Config.Rope.IsSame(cache.Length - count, total - count)))
            cache.Clear();
        int past = cache?.Length ?? 0, length = total - past;
        int rows = validRows > 0 ? validRows : model.Config.VocabularySize;
        if (cache is not null && length == 1 && model.CanStep(batch))
            return model.Step(Embedded(member, [.. _rows], padding, past, total), padding, cache, rows);
        Tensor Grid(Func<int, int, long> value, int from)
        {
            long[] flat = new long[batch * (total - from)];
            for (int i = 0; i < batch; i++)
            {
                for (int t = from; t < total; t++)
                    flat[i * (total - from) + t - from] = value(i, t);
            }
            return tensor(flat, dtype: ScalarType.Int64, device: model.Device).view(batch, total - from);
        }

        bool padded = padding.Any(count => count > 0);
        Tensor? mask = padded ? Grid((i, t) => t >= padding[i] ? 1 : 0, 0) : null;
        Tensor? positions = padded ? Grid((i, t) => Math.Max(0, t - padding[i]), past) : null;
        using AttentionContext attention = model.CreateAttention(batch, length, mask, positions, cache: cache);
        Tensor embedded = Embedded(member, [.. _rows], padding, past, total);
        Tensor hidden = model.FinalNorm(model.RunLayers(embedded, 0, model.Config.Layers, attention)).narrow(1, length - 1, 1).squeeze(1);
        return model.Logits(hidden).narrow(1, 0, rows);
    }

    // The input of the first layer at the positions from one on, up to another, [B, T, H]. With input expansion it is computed for whole rows, because
    // what is added at a new token depends on tokens before it, and without the padding, which is no text.
    private static Tensor Embedded(DecodingMember member, IReadOnlyList<int>[] rows, int[] padding, int from, int to)
    {
        CausalLm model = member.Model;
        if (member.Embed is null)
        {
            long[] flat = [.. rows.SelectMany((row, i) => Enumerable.Range(from, to - from).Select(t => t < padding[i] ? 0 : (long)row[t - padding[i]]))];
            return model.Embed(tensor(flat, dtype: ScalarType.Int64, device: model.Device).view(rows.Length, to - from));
        }
        return stack([.. rows.Select((row, i) =>
        {
            long[] own = [.. row.Take(to - padding[i]).Select(id => (long)id)];
            Tensor own_TH = member.Embed(tensor(own, dtype: ScalarType.Int64, device: model.Device).unsqueeze(0)).squeeze(0);
            Tensor all_TH = padding[i] == 0 ? own_TH : cat([zeros([padding[i], own_TH.size(1)], dtype: own_TH.dtype, device: own_TH.device), own_TH], 0);
            return all_TH.narrow(0, from, to - from);
        })], 0);
    }

    /// <summary>An empty cache for each member. The caller disposes them, or hands them to this object.</summary>
    public KeyValueCache[] NewCaches() => [.. members.Select(m => new KeyValueCache(m.Model.Config.Layers))];

    private static KeyValueCache Emptied(KeyValueCache cache) => cache.Copy([0], 0, 0);

    private static void Free(IEnumerable<KeyValueCache> caches)
    {
        foreach (KeyValueCache cache in caches)
            cache.Dispose();
    }

    private void Check(IReadOnlyList<IReadOnlyList<int>> rows)
    {
        int tokens = members.Min(m => m.Model.Config.VocabularySize);
        if (validRows < 0 || validRows > tokens)
            throw new InvalidOperationException($"{validRows} tokens were asked for, but the model has {tokens} rows");
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Count == 0)
                throw new InputException($"prompt {i} has no token; begin it with the tokenizer's bos token or some text");
            foreach (int id in rows[i])
            {
                if (id < 0 || id >= tokens)
                    throw new InputException($"prompt {i}: token {id} is not one of the model's {tokens}; is it the model's own tokenizer?");
            }
        }
    }
}
