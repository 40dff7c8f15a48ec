using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Generates a model's own most likely answers. To be used on the device's thread.</summary>
/// <param name="model">The model. It is not disposed here.</param>
/// <param name="ends">The tokens that end an answer.</param>
/// <param name="options">The length of answers, the texts that end them, and the size of a batch.</param>
internal sealed class GreedyAnswers(LanguageModel model, IReadOnlySet<int> ends, FitSeaOptions options)
{
    /// <summary>
    /// For each prompt, the tokens that the model had read when it predicted the last token of its answer: the prompt, and the answer without that
    /// token.
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
