using System.CommandLine;
using Pipeline.Host.Jobs;

namespace Pipeline.Host.Commands;

/// <summary>The options of <c>alm submit</c>, besides those of the definition.</summary>
internal sealed class SubmitOptions
{
    private static readonly JobResources Default = new();

    private readonly Option<string> _engine;
    private readonly Option<string?> _folder = new("--run") { Description = "The run folder. Default: runs/NAME. Every node must see it under this path.", HelpName = "DIR" };
    private readonly Option<bool> _start = new("--start") { Description = "Also submit the jobs." };
    private readonly Option<int> _tasks = Number("--tasks", "Largest number of tasks in an array. It never changes a result.", Default.Tasks, 1, 65_536);
    private readonly Option<int> _cpus = Number("--cpus", "Processors per task and per rank.", Default.Cpus, 1, 4096);
    private readonly Option<string?> _memory = new("--memory") { Description = "Memory per task, such as 16G.", HelpName = "SIZE" };
    private readonly Option<int> _gpus = Number("--gpus", "GPUs per task and per rank.", Default.Gpus, 0, 64);
    private readonly Option<string?> _time = new("--time") { Description = "Slurm: the longest a job may take, such as 12:00:00.", HelpName = "TIME" };
    private readonly Option<string?> _partition = new("--partition") { Description = "Slurm: the partition.", HelpName = "NAME" };
    private readonly Option<string?> _account = new("--account") { Description = "Slurm: the account.", HelpName = "NAME" };
    private readonly Option<int> _ranks = Number("--ranks", "Slurm: number of processes that train one student together; it must divide the slots of update-student.", Default.Ranks, 1, 4096);
    private readonly Option<string> _launcher = Text("--launcher", "Slurm: the command that starts the ranks.", Default.Launcher, "COMMAND");
    private readonly Option<string> _image = Text("--image", "Kubernetes: the image that has alm.", Default.Image, "IMAGE");
    private readonly Option<string> _claim = Text("--claim", "Kubernetes: the persistent volume claim that holds data and run folder.", Default.Claim, "NAME");
    private readonly Option<string> _mount = Text("--mount", "Kubernetes: where the volume is mounted.", Default.Mount, "DIR");
    private readonly Option<string?> _command = new("--command") { Description = "The command that starts the program on a node. Default: the command that started this one; on Kubernetes, alm.", HelpName = "COMMAND" };

    public SubmitOptions(string[] engines)
    {
        _engine = new Option<string>("--engine") { Description = "The scheduler.", HelpName = string.Join('|', engines), Required = true };
        _engine.AcceptOnlyFromAmong(engines);
        _memory.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(token.Value is [.. var digits, 'K' or 'M' or 'G' or 'T'] && digits.Length > 0 && digits.All(char.IsAsciiDigit)))
                result.AddError($"--memory: found {token.Value}, expected a number and K, M, G or T, such as 16G");
        });
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_engine, _folder, _start, _tasks, _cpus, _memory, _gpus, _time, _partition, _account, _ranks, _launcher, _image, _claim, _mount, _command])
            command.Options.Add(option);
    }

    public string Engine(ParseResult parsed) => parsed.GetRequiredValue(_engine);

    public string? Folder(ParseResult parsed) => parsed.GetValue(_folder);

    public bool IsStarted(ParseResult parsed) => parsed.GetValue(_start);

    public JobResources Resources(ParseResult parsed) => new()
    {
        Tasks = parsed.GetValue(_tasks),
        Cpus = parsed.GetValue(_cpus),
        Memory = parsed.GetValue(_memory),
        Gpus = parsed.GetValue(_gpus),
        Time = parsed.GetValue(_time),
        Partition = parsed.GetValue(_partition),
        Account = parsed.GetValue(_account),
        Ranks = parsed.GetValue(_ranks),
        Launcher = parsed.GetValue(_launcher)!,
        Image = parsed.GetValue(_image)!,
        Claim = parsed.GetValue(_claim)!,
        Mount = parsed.GetValue(_mount)!,
    };

    /// <summary>How a node starts alm: the command and its first arguments.</summary>
    public IReadOnlyList<string> Alm(ParseResult parsed)
    {
        if (parsed.GetValue(_command) is { } command)
            return command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (Engine(parsed) == "kubernetes")
            return ["alm"];
        string program = Environment.ProcessPath ?? "alm";
        return Path.GetFileNameWithoutExtension(program) == "alm" ? [program] : [program, Path.Combine(AppContext.BaseDirectory, "alm.dll")];
    }

    private static Option<int> Number(string name, string description, int value, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => value };
        NumberRange.AddTo(option, least, most);
        return option;
    }

    private static Option<string> Text(string name, string description, string value, string help)
        => new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => value };
}
