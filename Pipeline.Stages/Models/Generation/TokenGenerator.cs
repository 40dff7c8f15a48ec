using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// Continues prompts token by token with a cache of keys and values. Knows ids only; <see cref="TextGenerator"/> makes text of them.
/// </summary>
/// <param name="members">One model, or several with one vocabulary that answer as one.</param>
/// <param name="options">How tokens are chosen.</param>
/// <param name="combine">Makes one [B, V] of the members' logits; null for a single member.</param>
public sealed class TokenGenerator(IReadOnlyList<DecodingMember> members, GenerationOptions options, Func<IReadOnlyList<Tensor>, Tensor>? combine = null)
{
    /// <param name="model">The model.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="embed">See <see cref="DecodingMember"/>.</param>
    public TokenGenerator(CausalLm model, GenerationOptions options, Func<Tensor, Tensor>? embed = null)
        : this([new DecodingMember(model, embed)], options)
    {
    }

    /// <summary>
    /// Runs on the device's thread, in step with the caller: asking for the next item computes it. Stop a prompt early with
    /// <paramref name="isStopped"/>.
    /// </summary>
    /// <param name="prompts">Ids; none empty. They may differ in length.</param>
    /// <param name="endIds">Tokens that end a prompt.</param>
    /// <param name="validRows">Tokens the tokenizer has; rows above are never chosen. 0: all.</param>
    /// <param name="isStopped">Asked before each step; null: never.</param>
    /// <param name="streams">One for each prompt: its draws are those of this number; null: its place among the prompts.</param>
    /// <param name="useCache">False computes every position again at each step: the slow twin for tests.</param>
    public IEnumerable<GeneratedToken> Run(
        IReadOnlyList<IReadOnlyList<int>> prompts, IReadOnlySet<int> endIds, int validRows = 0, Func<int, bool>? isStopped = null, bool useCache = true, IReadOnlyList<int>? streams = null)
    {
        using var batch = new DecodingBatch(members, combine, validRows, useCache);
        if (prompts.Count == 0)
            yield break;
        batch.Add(prompts);
        HashSet<int>[] seen = [.. prompts.Select(prompt => prompt.ToHashSet())];
        TokenSampler[] samplers = [.. prompts.Select((_, i) => new TokenSampler(options, streams?[i] ?? i))];
        List<int> running = [.. Enumerable.Range(0, prompts.Count)];
        for (int step = 0; step < options.MaxNewTokens; step++)
        {
            if (isStopped is not null)
                Leave(batch, running, isStopped);
            if (running.Count == 0)
                yield break;
            float[][] logits = batch.Next();
            List<GeneratedToken> tokens = [];
            for (int row = 0; row < running.Count; row++)
            {
                int prompt = running[row], id = samplers[prompt].Choose(logits[row], seen[prompt]);
                batch.Append(row, id);
                seen[prompt].Add(id);
                tokens.Add(new GeneratedToken(prompt, id, endIds.Contains(id) || step == options.MaxNewTokens - 1));
            }
            Leave(batch, running, prompt => tokens.Exists(t => t.Prompt == prompt && t.Ends));
            foreach (GeneratedToken token in tokens)
                yield return token;
        }
    }

    private static void Leave(DecodingBatch batch, List<int> running, Func<int, bool> isDone)
    {
        int[] stay = [.. Enumerable.Range(0, running.Count).Where(row => !isDone(running[row]))];
        batch.Keep(stay);
        int[] prompts = [.. stay.Select(row => running[row])];
        running.Clear();
        running.AddRange(prompts);
    }
}
