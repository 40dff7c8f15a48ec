using Pipeline.Contracts.Records;
using Pipeline.Stages.Steering;

namespace Pipeline.Stages.Choices;

/// <summary>Computes a model's figures from the scores that it gives to choices.</summary>
internal static class ChoiceJudge
{
    /// <summary>The figures of a model over all questions, and by category.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="answers">Each question with the scores of its choices; at least one.</param>
    /// <param name="bitsPerByte">What the model needs for the plain text.</param>
    /// <param name="sharedTokens">See <see cref="ChoicesResult"/>.</param>
    public static ChoicesResult Of(string name, IReadOnlyList<(ChoiceQuestion Question, double[] Scores)> answers, double bitsPerByte, int sharedTokens)
    {
        MultipleChoice mean = Mean(answers);
        ChoicesCategory[] categories = [.. answers.Where(a => a.Question.Category.Length > 0).GroupBy(a => a.Question.Category, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Category(g.Key, [.. g]))];
        return new ChoicesResult(name, mean.Mc1, mean.Mc2, mean.Mc3, bitsPerByte, sharedTokens, categories)
        {
            Ambiguous = Bias(answers, isAmbiguous: true),
            Disambiguated = Bias(answers, isAmbiguous: false),
        };
    }

    private static ChoicesCategory Category(string name, IReadOnlyList<(ChoiceQuestion Question, double[] Scores)> answers)
    {
        MultipleChoice mean = Mean(answers);
        return new ChoicesCategory(name, answers.Count, mean.Mc1, mean.Mc2, mean.Mc3) { Ambiguous = Bias(answers, isAmbiguous: true), Disambiguated = Bias(answers, isAmbiguous: false) };
    }

    private static BiasScore? Bias(IReadOnlyList<(ChoiceQuestion Question, double[] Scores)> answers, bool isAmbiguous)
        => answers.Any(a => a.Question.Bias is not null) ? BiasScore.Of([.. answers.Where(a => a.Question.Bias is { } bias && bias.IsAmbiguous == isAmbiguous)], isAmbiguous) : null;

    private static MultipleChoice Mean(IReadOnlyList<(ChoiceQuestion Question, double[] Scores)> answers)
    {
        MultipleChoice[] all = [.. answers.Select(a => One(a.Question, a.Scores))];
        return new MultipleChoice(all.Average(m => m.Mc1), all.Average(m => m.Mc2), all.Average(m => m.Mc3));
    }

    private static MultipleChoice One(ChoiceQuestion question, double[] scores)
    {
        double[] Side(bool isTrue) => [.. scores.Where((_, i) => question.AreTrue[i] == isTrue)];
        int best = Enumerable.Range(0, question.Best).Count(i => question.AreTrue[i]);
        return MultipleChoice.Of(Side(true), Side(false), best);
    }
}
