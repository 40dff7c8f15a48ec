using System.Text.Json;

namespace Pipeline.Stages.Tasks;

/// <summary>
/// A task as its JSON file describes it: where its questions are, how they are worded, and how answers are judged. docs/tasks.md explains the format.
/// Texts with {name}s in them are filled from the columns of a row (<see cref="Wording"/>).
/// </summary>
internal sealed record TaskFile
{
    /// <summary>Its name in reports and files. A task of lm-evaluation-harness has the name that it has there.</summary>
    public required string Name { get; init; }

    public required TaskKind Kind { get; init; }

    /// <summary>For people: what the task asks, and whose data it uses.</summary>
    public string About { get; init; } = "";

    /// <summary>Where the words of the prompt are from; "own" where they are Alm's.</summary>
    public required string Wording { get; init; }

    /// <summary>The task of another program whose rule of judging is followed; null where the rule is Alm's own.</summary>
    public ImitatedTask? Imitates { get; init; }

    /// <summary>Parquet or JSON Lines files of questions, relative to the task file. The options may name others instead.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>How many questions are left out at the beginning.</summary>
    public long Skip { get; init; }

    /// <summary>The names that wordings use, each with its place in a row: a column, where dots lead into structs and lists (<c>choices.0</c>).</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>The wording of what the model reads. For kind perplexity without a target, this is the text that is judged.</summary>
    public required string Prompt { get; init; }

    /// <summary>Replacements in the values of columns before they fill a wording, in this order.</summary>
    public IReadOnlyList<Replacement> CleanColumns { get; init; } = [];

    /// <summary>What comes between a prompt and what follows it.</summary>
    public string Before { get; init; } = " ";

    /// <summary>The wordings of the choices; empty where a column lists the choices.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The name of the column that lists the choices.</summary>
    public string? ChoicesFrom { get; init; }

    /// <summary>
    /// The name of the column that says which choice is right: its number from 0, a truth value (false for 0, true for 1), or one of the labels. Where it is a
    /// list, each of them is right.
    /// </summary>
    public string? Gold { get; init; }

    /// <summary>What the column of the right choice calls the choices, in their order. Empty where it has numbers.</summary>
    public IReadOnlyList<string> GoldLabels { get; init; } = [];

    /// <summary>The name of a column that lists such labels.</summary>
    public string? GoldLabelsFrom { get; init; }

    /// <summary>Instead of <see cref="Gold"/>: the name of the column that says for each choice whether it is true, as 1 or 0.</summary>
    public string? Truths { get; init; }

    /// <summary>How many answered questions come before each prompt.</summary>
    public int Shots { get; init; }

    /// <summary>Where the answered questions come from; null where there are none.</summary>
    public TaskExamples? Examples { get; init; }

    /// <summary>A written answer ends before the first of these texts.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>The longest written answer, in bytes of UTF-8, so that it is the same for every tokenizer.</summary>
    public int MaxBytes { get; init; } = 1024;

    /// <summary>
    /// A wording. For kind answer it is the right answer; for kind perplexity it is the text that is judged, after the prompt. In examples it is the answer.
    /// </summary>
    public string? Target { get; init; }

    /// <summary>The regular expression that finds the right answer in the filled target; null where it is all of it.</summary>
    public string? TargetPattern { get; init; }

    /// <summary>The ways to find the answer in what a model writes. Each gives a figure of its own.</summary>
    public IReadOnlyList<AnswerPattern> Answers { get; init; } = [];

    /// <summary>Replacements in both the found and the right answer before they are compared, in this order.</summary>
    public IReadOnlyList<Replacement> Clean { get; init; } = [];

    /// <summary>Whether upper and lower case count as the same when answers are compared.</summary>
    public bool IgnoreCase { get; init; }

    /// <summary>Whether answers that are both numbers are compared as numbers, so that 18, 18.0 and +18 are equal.</summary>
    public bool AsNumbers { get; init; }

    /// <summary>For kind instructions: the name of the column that lists the instructions of a prompt, each by its name in <see cref="Checks"/>.</summary>
    public string? Asked { get; init; }

    /// <summary>For kind instructions: the name of the column that lists the arguments of each instruction, as objects.</summary>
    public string? Arguments { get; init; }

    /// <summary>For kind instructions: how each instruction is checked.</summary>
    public IReadOnlyDictionary<string, InstructionCheck> Checks { get; init; } = new Dictionary<string, InstructionCheck>();
}

/// <summary>A task of another program whose rule of judging is followed.</summary>
/// <param name="Program">The program and its version.</param>
/// <param name="Task">The task's name there.</param>
/// <param name="Version">The task's version there.</param>
/// <param name="Differs">What is done differently besides the wording; empty where nothing is.</param>
internal sealed record ImitatedTask(string Program, string Task, string Version, string Differs = "");

/// <summary>A regular expression, and the text that replaces what it finds.</summary>
internal sealed record Replacement(string Pattern, string By = "");

/// <summary>A way to find the answer in a text.</summary>
/// <param name="Name">The name by which figures tell the ways apart; lm-evaluation-harness calls it a filter.</param>
/// <param name="Pattern">A regular expression. The answer is the first of its groups that matched some text, or the whole match if it has no group.</param>
internal sealed record AnswerPattern(string Name, string Pattern)
{
    /// <summary>Whether the last match in the text counts instead of the first.</summary>
    public bool Last { get; init; }
}

/// <summary>Where answered questions come from: a file, or rows in the task file itself.</summary>
internal sealed record TaskExamples
{
    /// <summary>The file, relative to the task file.</summary>
    public string? File { get; init; }

    /// <summary>Rows with the columns of the data.</summary>
    public IReadOnlyList<JsonElement> Rows { get; init; } = [];

    /// <summary>The name of a column. Only rows that have the same value there as the question are taken.</summary>
    public string? Alike { get; init; }

    /// <summary>What comes after each answered question.</summary>
    public string Between { get; init; } = "\n\n";
}

/// <summary>
/// How an instruction is checked: something in the answer is counted, and the count is compared with a number. Regular expressions and numbers may have
/// {argument}s in them. In a regular expression, the value of an argument matches itself literally.
/// </summary>
internal sealed record InstructionCheck
{
    /// <summary>A regular expression whose matches are counted.</summary>
    public string? Count { get; init; }

    /// <summary>
    /// A regular expression that separates the answer into parts, which are counted. A blank part at either end is left out; any other blank part fails the
    /// check.
    /// </summary>
    public string? Split { get; init; }

    /// <summary>With <see cref="Split"/>: the number, from 1, of a part that must match <see cref="Match"/>.</summary>
    public string? Item { get; init; }

    /// <summary>The regular expression that the part <see cref="Item"/> must match.</summary>
    public string? Match { get; init; }

    /// <summary>With <see cref="Split"/>: whether all parts must be different.</summary>
    public bool Distinct { get; init; }

    /// <summary>Whether the answer must be JSON, with or without a Markdown fence around it.</summary>
    public bool Json { get; init; }

    /// <summary>The name of an argument that is a list. The check must hold for each of its entries, as {it}.</summary>
    public string? Each { get; init; }

    /// <summary>The smallest count that is allowed.</summary>
    public string? AtLeast { get; init; }

    /// <summary>The largest count that is allowed.</summary>
    public string? AtMost { get; init; }

    /// <summary>The only count that is allowed.</summary>
    public string? Exactly { get; init; }

    /// <summary>The name of an argument that is "less than" or "at least", and says how the count must compare with <see cref="Than"/>.</summary>
    public string? Relation { get; init; }

    /// <summary>The number of <see cref="Relation"/>.</summary>
    public string? Than { get; init; }

    /// <summary>Why the instruction cannot be checked here. Questions that contain it are then rejected. Null where it can be checked.</summary>
    public string? Unchecked { get; init; }
}
