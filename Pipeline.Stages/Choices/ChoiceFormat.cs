using System.ComponentModel;

namespace Pipeline.Stages.Choices;

/// <summary>How a file of questions is laid out.</summary>
internal enum ChoiceFormat
{
    [Description("TruthfulQA.csv: columns Question, Best Answer, Correct Answers, Incorrect Answers, lists separated by semicolons.")]
    TruthfulQa,

    [Description("BBQ's JSON Lines: context, question, ans0 to ans2, label, answer_info, question_polarity, context_condition, category.")]
    Bbq,

    [Description("JSON Lines with prompt, true and false. true and false are lists of continuations that follow the prompt unchanged; the first true one is the best.")]
    Plain,
}
