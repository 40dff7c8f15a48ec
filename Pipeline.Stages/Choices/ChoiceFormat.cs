using System.ComponentModel;

namespace Pipeline.Stages.Choices;

/// <summary>How a file of questions is laid out.</summary>
internal enum ChoiceFormat
{
    [Description("TruthfulQA.csv: columns Question, Best Answer, Correct Answers, Incorrect Answers, lists cut at semicolons.")]
    TruthfulQa,

    [Description("BBQ's JSON Lines: context, question, ans0 to ans2, label, answer_info, question_polarity, context_condition, category.")]
    Bbq,

    [Description("JSON Lines with prompt, true and false, two lists of continuations that stand behind the prompt as they are; the first true one is the best.")]
    Plain,
}
