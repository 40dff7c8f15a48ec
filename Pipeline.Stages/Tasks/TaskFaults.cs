using System.Text.RegularExpressions;

namespace Pipeline.Stages.Tasks;

/// <summary>Finds what is wrong with a task file by itself, without looking at its data.</summary>
internal static partial class TaskFaults
{
    public static IEnumerable<string> Of(TaskFile task) => Names(task).Concat(Wordings(task)).Concat(Patterns(task)).Concat(OfKind(task)).Concat(Examples(task));

    private static IEnumerable<string> Names(TaskFile task)
    {
        if (!PlainName().IsMatch(task.Name))
            yield return $"'name' is '{task.Name}'; expected letters, digits, '_', '-' and '.', as files are named by it";
        if (task.MaxBytes < 1)
            yield return $"'maxBytes' is {task.MaxBytes}; expected 1 or more";
        if (task.Skip < 0 || task.Shots < 0)
            yield return "'skip' and 'shots' must not be negative";
        if (task.Stop.Contains(""))
            yield return "'stop' holds an empty text, which would end every answer before it begins; leave it out";
        foreach ((string key, string? name) in ((string, string?)[])
            [("choicesFrom", task.ChoicesFrom), ("gold", task.Gold), ("goldLabelsFrom", task.GoldLabelsFrom), ("truths", task.Truths), ("asked", task.Asked), ("arguments", task.Arguments), ("examples.alike", task.Examples?.Alike)])
        {
            if (name is not null && !task.Columns.ContainsKey(name))
                yield return $"'{key}' names '{name}', which is not one of 'columns' ({Known(task)})";
        }
    }

    private static IEnumerable<string> Wordings(TaskFile task)
    {
        foreach ((string key, string text) in (IEnumerable<(string, string)>)[("prompt", task.Prompt), .. task.Choices.Select((c, i) => ($"choices[{i}]", c)), .. task.Target is { } target ? new[] { ("target", target) } : []])
        {
            string? fault = null;
            string[] unknown = [];
            try
            {
                unknown = task.Kind == TaskKind.Bias ? [] : [.. new Wording(text).Names.Where(n => !task.Columns.ContainsKey(n))];
            }
            catch (FormatException e)
            {
                fault = e.Message;
            }
            if (fault is not null)
                yield return $"'{key}': {fault}";
            foreach (string name in unknown)
                yield return $"'{key}' has {{{name}}}, which is not one of 'columns' ({Known(task)})";
        }
    }

    private static IEnumerable<string> Patterns(TaskFile task)
    {
        IEnumerable<(string Key, string Pattern)> patterns =
        [
            .. task.CleanColumns.Select((r, i) => ($"cleanColumns[{i}]", r.Pattern)), .. task.Clean.Select((r, i) => ($"clean[{i}]", r.Pattern)),
            .. task.Answers.Select((a, i) => ($"answers[{i}]", a.Pattern)), .. task.TargetPattern is { } target ? new[] { ("targetPattern", target) } : [],
            .. task.Checks.SelectMany(c => InstructionChecker.Patterns(c.Value).Select(p => ($"checks.{c.Key}", p))),
        ];
        foreach ((string key, string pattern) in patterns)
        {
            if (FaultOf(pattern) is { } fault)
                yield return $"'{key}': '{pattern}' is not a .NET regular expression: {fault}";
        }
    }

    private static string? FaultOf(string pattern)
    {
        try
        {
            TaskPatterns.Compile(pattern);
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    private static IEnumerable<string> OfKind(TaskFile task)
    {
        switch (task.Kind)
        {
            case TaskKind.Choices or TaskKind.Truths:
                if (task.Choices.Count > 0 == task.ChoicesFrom is not null)
                    yield return "kinds choices and truths need either 'choices', a list, or 'choicesFrom', a column";
                if (task.Gold is null == task.Truths is null)
                    yield return "kinds choices and truths need either 'gold', the column of the right choice, or 'truths', the column that says for each choice whether it is true";
                if (task.GoldLabels.Count > 0 && task.GoldLabelsFrom is not null)
                    yield return "'goldLabels' and 'goldLabelsFrom' are both given; give one of them";
                break;
            case TaskKind.Answer:
                if (task.Target is null || task.Answers.Count == 0)
                    yield return "kind answer needs 'target', the right answer, and 'answers', the ways to find the answer in what a model writes";
                if (task.Answers.GroupBy(a => a.Name).Any(g => g.Count() > 1))
                    yield return "two of 'answers' have the same name; their figures are named by it, so give them different names";
                break;
            case TaskKind.Instructions:
                if (task.Asked is null || task.Arguments is null || task.Checks.Count == 0)
                    yield return "kind instructions needs 'asked' and 'arguments', two columns, and 'checks'";
                foreach ((string name, InstructionCheck check) in task.Checks)
                {
                    if (InstructionChecker.FaultOf(check) is { } fault)
                        yield return $"'checks.{name}': {fault}";
                }
                break;
            case TaskKind.Bias:
                if (!task.Prompt.Contains("{context}", StringComparison.Ordinal) || !task.Prompt.Contains("{question}", StringComparison.Ordinal))
                    yield return "kind bias reads the columns of BBQ, and its 'prompt' needs {context} and {question}";
                if (task.Before != " ")
                    yield return "kind bias always puts a space before its answers; leave 'before' out";
                break;
        }
    }

    private static IEnumerable<string> Examples(TaskFile task)
    {
        if (task.Shots == 0)
            yield break;
        if (task.Kind is not (TaskKind.Choices or TaskKind.Truths) && task.Target is null)
            yield return "'shots': only kinds choices, truths and answer, and perplexity with a 'target', can have answered questions in front";
        if (task.Examples is null || task.Examples.File is null == (task.Examples.Rows.Count == 0))
            yield return "'shots' needs 'examples' with either 'file' or 'rows'";
    }

    private static string Known(TaskFile task) => task.Columns.Count == 0 ? "it has none" : string.Join(", ", task.Columns.Keys.Select(n => $"'{n}'"));

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    private static partial Regex PlainName();
}
