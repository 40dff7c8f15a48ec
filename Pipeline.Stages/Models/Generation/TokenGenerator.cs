using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// Continues prompts token by token, with a cache of keys and values. It only knows ids; <see cref="TextGenerator"/> makes text of them. B prompts that
/// still run, V tokens that may come next.
/// </summary>
/// <param name="members">One model, or several models with the same vocabulary that answer as one.</param>
/// <param name="options">How tokens are chosen.</param>
/// <param name="combine">Makes one [B, V] of the members' logits, [B, V] each. Null for a single member.</param>
public sealed class TokenGenerator(IReadOnlyList<DecodingMember> members, GenerationOptions options, Func<IReadOnlyList<Tensor>, Tensor>? combine = null)
{
    /// <summary>A generator with one model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="embed">See <see cref="DecodingMember.Embed"/>.</param>
    public TokenGenerator(CausalLm model, GenerationOptions options, Func<Tensor, Tensor>? embed = null)
        : this([new DecodingMember(model, embed)], options)
    {
    }

    /// <summary>
    /// Generates the next token of each prompt, then those after them, and so on. To be enumerated on the device's thread: a step is computed when the
    /// caller asks for its first token.
    /// </summary>
    /// <param name="prompts">The ids of each prompt, which must have at least one. Prompts may differ in length.</param>
    /// <param name="endIds">The tokens that end a text.</param>
    /// <param name="validRows">The number of tokens that the tokenizer has. Ids from here on are never chosen. 0 means all rows of the head.</param>
    /// <param name="isStopped">Says before each step whether a prompt is to be stopped. Null if none is.</param>
    /// <param name="useCache">False computes every position again at each step, which tests compare with.</param>
    /// <param name="streams">For each prompt, the number of its stream of random draws. Null means the prompt's own number.</param>
    /// <exception cref="Contracts.Errors.InputException">
    /// A prompt is empty, or has a token that a model does not have, or the logits are not finite.
    /// </exception>
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
