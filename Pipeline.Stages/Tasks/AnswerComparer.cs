using System.Globalization;

namespace Pipeline.Stages.Tasks;

/// <summary>Decides whether a written answer is the right one, for tasks of kind answer.</summary>
internal static class AnswerComparer
{
    /// <summary>Stands for the answer where a pattern finds none. It never counts as right.</summary>
    public const string Nothing = "[invalid]";

    /// <summary>The answer that a pattern finds in a text, cleaned; <see cref="Nothing"/> where there is none.</summary>
    public static string Found(TaskFile task, AnswerPattern pattern, string text) => TaskPatterns.Find(text, pattern.Pattern, pattern.Last) is { } found ? Cleaned(task, found) : Nothing;

    /// <summary>Whether the answer that a pattern finds equals the question's target, by the rules of the task.</summary>
    public static bool IsRight(TaskQuestion question, AnswerPattern pattern, string text)
    {
        string found = Found(question.Task, pattern, text), target = Cleaned(question.Task, question.Target!);
        if (found == Nothing)
            return false;
        if (question.Task.AsNumbers && Number(found) is { } number && Number(target) is { } wanted)
            return number == wanted;
        return string.Equals(found, target, question.Task.IgnoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
    }

    private static string Cleaned(TaskFile task, string text) => TaskPatterns.Replace(text, task.Clean).Trim();

    private static decimal? Number(string text)
        => decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number) ? number : null;
}
