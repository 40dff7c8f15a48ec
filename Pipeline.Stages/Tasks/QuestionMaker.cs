using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Choices;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tasks;

/// <summary>Makes questions of the rows of a task's data.</summary>
/// <param name="task">The task.</param>
/// <param name="examples">
/// The rows that the answered questions in front of a prompt are made of, in order. Each has the id that it would have as a question, so that no question
/// is its own example; null for a row that the task file itself holds.
/// </param>
internal sealed class QuestionMaker(TaskFile task, IReadOnlyList<(DocumentId? Id, JsonElement Row)> examples)
{
    private readonly BbqRows? _bias = task.Kind == TaskKind.Bias ? new BbqRows(task.Prompt, "", null) : null;
    private readonly Wording _prompt = new(task.Prompt);
    private readonly Wording? _target = task.Target is { } target ? new Wording(target) : null;
    private readonly Wording[] _choices = [.. task.Choices.Select(c => new Wording(c))];

    /// <summary>Makes the question of a row.</summary>
    /// <exception cref="ChoiceReject">The row lacks something that the task needs.</exception>
    public TaskQuestion Question(DocumentId id, JsonElement row)
    {
        if (_bias is not null)
        {
            ChoiceQuestion bias = _bias.Question(id, row);
            return new TaskQuestion(id, task, bias.Prompt, row.GetRawText()) { Choice = bias };
        }
        var values = new TaskRow(task, row);
        string prompt = Shots(id, values) + values.Fill(_prompt);
        var question = new TaskQuestion(id, task, prompt, row.GetRawText());
        return task.Kind switch
        {
            TaskKind.Choices or TaskKind.Truths => question with { Choice = Choice(id, prompt, values) },
            TaskKind.Answer => question with { Target = Target(values) },
            TaskKind.Instructions => question with { Asked = Asked(values) },
            _ when _target is not null => question with { Continuation = task.Before + WellFormedText.Normalize(values.Fill(_target)) },
            _ => prompt.Length > 0 ? question with { Prompt = WellFormedText.Normalize(prompt) } : throw new ChoiceReject(TextRejects.Empty, TextRejects.Empty),
        };
    }

    private string Shots(DocumentId id, TaskRow question)
    {
        if (task.Examples is not { } from || task.Shots == 0)
            return "";
        string? alike = from.Alike is { } column ? question.Text(column) : null;
        var shots = new List<string>();
        foreach ((DocumentId? exampleId, JsonElement row) in examples)
        {
            var values = new TaskRow(task, row);
            if (exampleId == id || (alike is not null && values.Text(from.Alike!) != alike))
                continue;
            string answer = _target is not null ? values.Fill(_target) : Choice(id, "", values) is var choice ? choice.Choices[choice.Best][task.Before.Length..] : "";
            shots.Add(values.Fill(_prompt) + task.Before + answer + from.Between);
            if (shots.Count == task.Shots)
                return string.Concat(shots);
        }
        throw new ChoiceReject("not enough examples", string.Create(CultureInfo.InvariantCulture, $"there are {shots.Count} answered questions for it, but 'shots' asks for {task.Shots}"));
    }

    private ChoiceQuestion Choice(DocumentId id, string prompt, TaskRow row)
    {
        string[] choices = task.ChoicesFrom is { } list
            ? [.. row.List(list).Select(c => TaskPatterns.Replace(c.ToString(), task.CleanColumns))]
            : [.. _choices.Select(row.Fill)];
        bool[] areTrue = task.Truths is not null ? Truths(row, choices.Length) : Gold(row, choices.Length);
        if (!areTrue.Contains(true) || !areTrue.Contains(false))
            throw new ChoiceReject("no true or no false choice", $"{areTrue.Count(t => t)} of {choices.Length} choices are true");
        return new ChoiceQuestion(id, prompt, [.. choices.Select(c => task.Before + c)], areTrue, Array.IndexOf(areTrue, true));
    }

    private bool[] Truths(TaskRow row, int choices)
    {
        bool[] areTrue = [.. row.List(task.Truths!).Select(t => t.ValueKind == JsonValueKind.True || (t.ValueKind == JsonValueKind.Number && t.GetDouble() == 1))];
        return areTrue.Length == choices ? areTrue : throw new ChoiceReject("number of truths differs from number of choices", $"{areTrue.Length} for {choices} choices");
    }

    private bool[] Gold(TaskRow row, int choices)
    {
        JsonElement gold = row.Value(task.Gold!);
        string[] labels = task.GoldLabelsFrom is { } list ? [.. row.List(list).Select(l => l.ToString())] : [.. task.GoldLabels];
        var areTrue = new bool[choices];
        foreach (JsonElement one in gold.ValueKind == JsonValueKind.Array ? [.. gold.EnumerateArray()] : (IEnumerable<JsonElement>)[gold])
        {
            int at = labels.Length > 0 ? Array.IndexOf(labels, one.ToString()) : Number(one);
            if (at < 0 || at >= choices)
                throw new ChoiceReject("the right choice is not one of the choices", $"'{one}' of {(labels.Length > 0 ? string.Join(", ", labels.Select(l => $"'{l}'")) : string.Create(CultureInfo.InvariantCulture, $"0 to {choices - 1}"))}");
            areTrue[at] = true;
        }
        return areTrue;
    }

    private static int Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => int.TryParse(value.ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : -1,
    };

    private string Target(TaskRow row)
    {
        string text = row.Fill(_target!);
        string? found = task.TargetPattern is { } pattern ? TaskPatterns.Find(text, pattern, last: true) : text;
        return found ?? throw new ChoiceReject("no right answer", $"'targetPattern' matches nothing in '{text}'");
    }

    private (string Name, JsonElement Arguments)[] Asked(TaskRow row)
    {
        string[] names = [.. row.List(task.Asked!).Select(n => n.ToString())];
        IReadOnlyList<JsonElement> arguments = row.List(task.Arguments!);
        if (names.Length != arguments.Count)
            throw new ChoiceReject("number of arguments differs from number of instructions", $"{arguments.Count} for {names.Length}");
        foreach (string name in names)
        {
            if (!task.Checks.TryGetValue(name, out InstructionCheck? check))
                throw new ChoiceReject("an instruction without a check", $"'{name}' is not one of the task's 'checks'");
            if (check.Unchecked is { } why)
                throw new ChoiceReject("an instruction that is not checked here", $"'{name}': {why}");
        }
        return [.. names.Zip(arguments)];
    }
}
