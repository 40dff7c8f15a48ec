using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;

namespace Pipeline.Stages.SteeringFits;

/// <summary>A model's own most likely answers. On the device's thread.</summary>
/// <param name="model">Which.</param>
/// <param name="ends">Tokens that end an answer.</param>
/// <param name="options">Its length, its ends, and the size of a batch.</param>
internal sealed class GreedyAnswers(LanguageModel model, IReadOnlySet<int> ends, FitSeaOptions options)
{
    /// <summary>
    /// Of each prompt the tokens that were fed when the last token of the answer was predicted: the prompt and the answer without that token.
    /// </summary>
    public int[][] Fed(IReadOnlyList<int[]> prompts)
    {
        var fed = new int[prompts.Count][];
        TokenGenerator generator = model.Generator(new GenerationOptions { MaxNewTokens = options.MaxNewTokens });
        foreach (int[] batch in LengthBatches.Plan([.. prompts.Select(p => p.Length + options.MaxNewTokens)], options.BatchTokens))
        {
            List<int>[] answers = [.. batch.Select(_ => new List<int>())];
            foreach (GeneratedToken token in generator.Run([.. batch.Select(i => prompts[i])], ends, model.ValidRows, row => IsStopped(answers[row])))
                answers[token.Prompt].Add(token.Id);
            for (int row = 0; row < batch.Length; row++)
                fed[batch[row]] = [.. prompts[batch[row]], .. answers[row].SkipLast(1)];
        }
        return fed;
    }

    private bool IsStopped(List<int> answer)
    {
        if (options.Stop.Count == 0 || answer.Count == 0)
            return false;
        string text = model.Tokenizer.Decode([.. answer], skipSpecialTokens: true);
        return options.Stop.Any(stop => text.Contains(stop, StringComparison.Ordinal));
    }
}
