using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tasks;

namespace Pipeline.Host.Commands;

/// <summary>The options of <c>alm evaluate</c> that name tasks, and those that override what the task files say.</summary>
internal sealed class TaskInput
{
    private readonly Option<string[]> _tasks = new("--tasks")
    {
        Description = "Task files, such as pipelines/tasks/gsm8k.json: questions on which the models are judged; see docs/tasks.md.",
        HelpName = "FILES",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _data = new("--task-data")
    {
        Description = "The questions of a task, Parquet or JSON Lines, instead of those that the task file names. TASK is the name of the task file without .json. May be given more than once.",
        HelpName = "TASK=FILE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string[]> _examples = new("--task-examples")
    {
        Description = "The same, for the answered questions of a task.",
        HelpName = "TASK=FILE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int?> _shots = new("--shots") { Description = "Answered questions in front of each prompt. Default: as many as the task says.", HelpName = "N" };

    private readonly Option<int> _most = new("--max-questions") { Description = "Questions of each task; 0 asks all.", HelpName = "N" };

    private readonly Option<string?> _reference = new("--reference") { Description = "The model, as the table names it, that the others are compared with question by question.", HelpName = "NAME" };

    private readonly Option<string?> _out = new("--out")
    {
        Description = "The folder for each model's results and answers, in the layout of lm-evaluation-harness. It also keeps what is answered so far: the same command continues where it was stopped.",
        HelpName = "DIR",
    };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_tasks, _data, _examples, _shots, _most, _reference, _out])
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            bool isGiven = result.GetValue(_tasks) is { Length: > 0 };
            if (!isGiven && result.GetResult("--text") is null)
                result.AddError("Option '--text' or '--tasks' is required: give text, or tasks, to judge by.");
            if (!isGiven && ((Option[])[_data, _examples, _shots, _most, _reference, _out]).FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } alone)
                result.AddError($"{alone.Name} applies to tasks; give --tasks FILES too");
        });
        NumberRange.AddTo(_most, 0, int.MaxValue);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_tasks) is { Length: > 0 };

    public string? Reference(ParseResult parsed) => parsed.GetValue(_reference);

    /// <summary>The folder that answers and results are kept in. Null if they are not kept.</summary>
    public string? Folder(ParseResult parsed) => parsed.GetValue(_out) is { } folder ? Path.GetFullPath(folder) : null;

    /// <summary>The options of <c>read-tasks</c>. Call it only if <see cref="IsGiven"/>.</summary>
    /// <exception cref="DefinitionException">An argument is not of the form TASK=FILE, or there is no such task.</exception>
    public ReadTasksOptions Read(ParseResult parsed)
    {
        string[] files = [.. parsed.GetValue(_tasks)!.Select(Path.GetFullPath)];
        ILookup<string, string> data = Named(_data, parsed, files), examples = Named(_examples, parsed, files);
        return new ReadTasksOptions
        {
            MaxQuestions = parsed.GetValue(_most),
            Tasks = [.. files.Select(file => new NamedTask { File = file, Data = [.. data[NameOf(file)]], Examples = examples[NameOf(file)].LastOrDefault(), Shots = parsed.GetValue(_shots) })],
        };
    }

    private static ILookup<string, string> Named(Option<string[]> option, ParseResult parsed, string[] files)
    {
        var named = new List<(string Task, string File)>();
        foreach (string argument in parsed.GetValue(option) ?? [])
        {
            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string task = equals < 1 ? "" : argument[..equals];
            if (!files.Select(NameOf).Contains(task))
                throw new DefinitionException($"{option.Name} {argument}: expected TASK=FILE, TASK one of {string.Join(", ", files.Select(NameOf))}");
            named.Add((task, Path.GetFullPath(argument[(equals + 1)..])));
        }
        return named.ToLookup(n => n.Task, n => n.File);
    }

    private static string NameOf(string file) => Path.GetFileNameWithoutExtension(file);
}
