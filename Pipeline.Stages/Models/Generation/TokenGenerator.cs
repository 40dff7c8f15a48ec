using Pipeline.Contracts.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// Continues prompts token by token with a cache of keys and values. Knows ids only; <see cref="TextGenerator"/> makes text of them.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">How tokens are chosen.</param>
/// <param name="embed">
/// What goes into the first layer for ids [B, T], where it is more than the model's embeddings and depends on the tokens before (input
/// expansion): [B, T, H]. Given each prompt by itself, from its first token on.
/// </param>
public sealed class TokenGenerator(CausalLm model, GenerationOptions options, Func<Tensor, Tensor>? embed = null)
{
    /// <summary>
    /// Runs on the device's thread, in step with the caller: asking for the next item computes it. Stop a prompt early with
    /// <paramref name="isStopped"/>. Prompts of a batch may differ in length: they are padded on the left and masked.
    /// </summary>
    /// <param name="prompts">Ids; none empty.</param>
    /// <param name="endIds">Tokens that end a prompt.</param>
    /// <param name="validRows">Tokens the tokenizer has; rows above are never chosen. 0: all.</param>
    /// <param name="isStopped">Asked before each step; null: never.</param>
    /// <param name="useCache">False computes every position again at each step: the slow twin for tests.</param>
    public IEnumerable<GeneratedToken> Run(
        IReadOnlyList<IReadOnlyList<int>> prompts, IReadOnlySet<int> endIds, int validRows = 0, Func<int, bool>? isStopped = null, bool useCache = true)
    {
        Check(prompts, validRows);
        if (prompts.Count == 0)
            yield break;
        int batch = prompts.Count, longest = prompts.Max(prompt => prompt.Count);
        List<long>[] rows = [.. prompts.Select(prompt => Enumerable.Repeat(0L, longest - prompt.Count).Concat(prompt.Select(id => (long)id)).ToList())];
        int[] padding = [.. prompts.Select(prompt => longest - prompt.Count)];
        HashSet<int>[] seen = [.. prompts.Select(prompt => prompt.ToHashSet())];
        TokenSampler[] samplers = [.. Enumerable.Range(0, batch).Select(i => new TokenSampler(options, i))];
        bool[] done = new bool[batch];
        using KeyValueCache? cache = useCache ? new KeyValueCache(model.Config.Layers) : null;
        for (int step = 0; step < options.MaxNewTokens; step++)
        {
            for (int i = 0; isStopped is not null && i < batch; i++)
                done[i] |= isStopped(i);
            if (done.All(each => each))
                yield break;
            float[][] logits = NextLogits(rows, padding, cache, validRows);
            List<GeneratedToken> tokens = [];
            for (int i = 0; i < batch; i++)
            {
                int id = done[i] ? 0 : samplers[i].Choose(logits[i], seen[i]);
                rows[i].Add(id);
                if (done[i])
                    continue;
                seen[i].Add(id);
                done[i] = endIds.Contains(id) || step == options.MaxNewTokens - 1;
                tokens.Add(new GeneratedToken(i, id, done[i]));
            }

            foreach (GeneratedToken token in tokens)
                yield return token;
        }
    }

    private float[][] NextLogits(List<long>[] rows, int[] padding, KeyValueCache? cache, int validRows)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int batch = rows.Length, total = rows[0].Count;
        // Keys are cached rotated: where the row's new length changes the rotation, all of it is computed again.
        if (cache is not null && padding.Any(count => !model.Config.Rope.IsSame(cache.Length - count, total - count)))
            cache.Clear();
        int past = cache?.Length ?? 0, length = total - past;
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
        Tensor embedded = embed is null ? model.Embed(Grid((i, t) => rows[i][t], past)) : Expanded(rows, padding, past);
        Tensor hidden = model.FinalNorm(model.RunLayers(embedded, 0, model.Config.Layers, attention)).narrow(1, length - 1, 1).squeeze(1);
        Tensor logits = model.Logits(hidden);
        if (validRows > 0)
            logits = logits.narrow(1, 0, validRows);
        float[] flat = logits.cpu().contiguous().data<float>().ToArray();
        if (NotFinite.FirstIn(flat) is >= 0 and int bad)
            throw NotFinite.Refusal(model.Source, model, $"the logits after {total - padding[bad / (flat.Length / batch)]} tokens");
        return [.. flat.Chunk(flat.Length / batch)];
    }

    // Whole rows, because what a new token brings may begin before it; without their padding, which is no text.
    private Tensor Expanded(List<long>[] rows, int[] padding, int past)
    {
        int total = rows[0].Count;
        return stack([.. rows.Select((row, i) =>
        {
            Tensor own_TH = embed!(tensor(row.Skip(padding[i]).ToArray(), dtype: ScalarType.Int64, device: model.Device).unsqueeze(0)).squeeze(0);
            Tensor all_TH = padding[i] == 0 ? own_TH : cat([zeros([padding[i], own_TH.size(1)], dtype: own_TH.dtype, device: own_TH.device), own_TH], 0);
            return all_TH.narrow(0, past, total - past);
        })], 0);
    }

    private void Check(IReadOnlyList<IReadOnlyList<int>> prompts, int validRows)
    {
        int tokens = validRows == 0 ? model.Config.VocabularySize : validRows;
        if (tokens < 1 || tokens > model.Config.VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(validRows), validRows, $"the model has {model.Config.VocabularySize} rows");
        for (int i = 0; i < prompts.Count; i++)
        {
            if (prompts[i].Count == 0)
                throw new InputException($"prompt {i} has no token; begin it with the tokenizer's first mark or some text");
            foreach (int id in prompts[i])
            {
                if (id < 0 || id >= model.Config.VocabularySize)
                    throw new InputException($"prompt {i}: token {id} is not one of the model's {model.Config.VocabularySize}; is it the model's own tokenizer?");
            }
        }
    }
}
