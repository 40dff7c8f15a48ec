using System.Text.Json;

namespace Pipeline.Stages.Tasks;

/// <summary>A task as its file says it: where its questions are, how they are worded, and how answers are judged. See docs/tasks.md.</summary>
internal sealed record TaskFile
{
    /// <summary>Names it in reports: the harness's name, where it is one of its tasks.</summary>
    public required string Name { get; init; }

    public required TaskKind Kind { get; init; }

    /// <summary>What it asks, and whose data it is.</summary>
    public string About { get; init; } = "";

    /// <summary>Whose words the prompt is made of: "own", or where they are from.</summary>
    public required string Wording { get; init; }

    /// <summary>The rule by which answers are judged; null where it is this program's own.</summary>
    public ImitatedTask? Imitates { get; init; }

    /// <summary>Parquet or JSON Lines files of questions, relative to the task file; the caller may name others.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>Questions to leave out at the beginning.</summary>
    public long Skip { get; init; }

    /// <summary>Names that wordings use, each with its place in a row: a column, dots leading into structs and lists (<c>choices.0</c>).</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>What a model reads: text with {name}s in it. Of perplexity the text itself.</summary>
    public required string Prompt { get; init; }

    /// <summary>Replacements in what columns bring into the wording, in this order.</summary>
    public IReadOnlyList<Replacement> CleanColumns { get; init; } = [];

    /// <summary>What stands between a prompt and what follows it.</summary>
    public string Before { get; init; } = " ";

    /// <summary>The choices, each worded as the prompt is; empty where a column has them.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Names the column that is a list of choices.</summary>
    public string? ChoicesFrom { get; init; }

    /// <summary>Names the column of the right choice: its number from 0, a truth value, or one of the labels; of a list any of them is right.</summary>
    public string? Gold { get; init; }

    /// <summary>What the gold column calls the choices, in their order; empty: numbers.</summary>
    public IReadOnlyList<string> GoldLabels { get; init; } = [];

    /// <summary>Names the column that is a list of such labels.</summary>
    public string? GoldLabelsFrom { get; init; }

    /// <summary>Instead of gold: names the column that says for each choice whether it is true, 1 or 0.</summary>
    public string? Truths { get; init; }

    /// <summary>Answered questions in front of each prompt.</summary>
    public int Shots { get; init; }

    /// <summary>Where those come from; null where there are none.</summary>
    public TaskExamples? Examples { get; init; }

    /// <summary>A written answer ends before any of these.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>The longest written answer, in bytes of UTF-8: the same for every tokenizer.</summary>
    public int MaxBytes { get; init; } = 1024;

    /// <summary>Worded like the prompt. For kind answer, the right answer; for perplexity, what is judged after the prompt, if not the prompt itself.</summary>
    public string? Target { get; init; }

    /// <summary>Finds the right answer in it; null: all of it.</summary>
    public string? TargetPattern { get; init; }

    /// <summary>How the answer is found in what a model writes, each way a figure of its own.</summary>
    public IReadOnlyList<AnswerPattern> Answers { get; init; } = [];

    /// <summary>Replacements in both answers before they are compared, in this order.</summary>
    public IReadOnlyList<Replacement> Clean { get; init; } = [];

    public bool IgnoreCase { get; init; }

    /// <summary>Whether answers that are both numbers are compared as such: 18, 18.0 and +18 are one.</summary>
    public bool AsNumbers { get; init; }

    /// <summary>Of kind instructions: names the column that lists what is asked, each a name of <see cref="Checks"/>.</summary>
    public string? Asked { get; init; }

    /// <summary>Names the column that lists the arguments of each, an object.</summary>
    public string? Arguments { get; init; }

    /// <summary>How each is checked.</summary>
    public IReadOnlyDictionary<string, InstructionCheck> Checks { get; init; } = new Dictionary<string, InstructionCheck>();
}

/// <summary>A task of another program whose rule of judging is followed.</summary>
/// <param name="Program">With its version.</param>
/// <param name="Task">Its name there.</param>
/// <param name="Version">Of the task there.</param>
/// <param name="Differs">What is not the same; empty where nothing is but the wording.</param>
internal sealed record ImitatedTask(string Program, string Task, string Version, string Differs = "");

/// <summary>A regular expression, and what is put in the place of what it finds.</summary>
internal sealed record Replacement(string Pattern, string By = "");

/// <summary>A way to find the answer in a text.</summary>
/// <param name="Name">Of the figure: the harness's filter.</param>
/// <param name="Pattern">A regular expression; its first group that matched is the answer, or the whole match if there is no group.</param>
internal sealed record AnswerPattern(string Name, string Pattern)
{
    /// <summary>Whether the last match counts, not the first.</summary>
    public bool Last { get; init; }
}

/// <summary>Answered questions: those of a file, or written here.</summary>
internal sealed record TaskExamples
{
    /// <summary>Relative to the task file.</summary>
    public string? File { get; init; }

    /// <summary>Rows as the data have them.</summary>
    public IReadOnlyList<JsonElement> Rows { get; init; } = [];

    /// <summary>Names a column: only rows with the same value as the question are taken.</summary>
    public string? Alike { get; init; }

    /// <summary>Between two of them, and before the question.</summary>
    public string Between { get; init; } = "\n\n";
}

/// <summary>
/// How one instruction is checked: a count of something in the answer, compared with a number. Regular expressions may have {argument}s in them, which
/// match themselves; numbers may be arguments too.
/// </summary>
internal sealed record InstructionCheck
{
    /// <summary>Counts matches.</summary>
    public string? Count { get; init; }

    /// <summary>Counts parts between matches; blank ones are left out at the ends and refused between others.</summary>
    public string? Split { get; init; }

    /// <summary>With split: a part that is looked at, from 1, which must match <see cref="Match"/>.</summary>
    public string? Item { get; init; }

    public string? Match { get; init; }

    /// <summary>With split: whether no two parts may be the same.</summary>
    public bool Distinct { get; init; }

    /// <summary>Whether the answer must be JSON, a fence of Markdown around it or not.</summary>
    public bool Json { get; init; }

    /// <summary>Names an argument that is a list: the check holds for each of them, as {it}.</summary>
    public string? Each { get; init; }

    public string? AtLeast { get; init; }

    public string? AtMost { get; init; }

    public string? Exactly { get; init; }

    /// <summary>Names an argument that says "at least" or "less than" of <see cref="Than"/>.</summary>
    public string? Relation { get; init; }

    public string? Than { get; init; }

    /// <summary>Why it cannot be checked here: questions that ask for it are left out, and counted. Null where it can.</summary>
    public string? Unchecked { get; init; }
}
