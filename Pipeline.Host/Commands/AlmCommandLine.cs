using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;

namespace Pipeline.Host.Commands;

/// <summary>The command line: parses, runs, and makes an exit code of what happened.</summary>
internal static class AlmCommandLine
{
    private const string Description = """
        Cross-tokenizer distillation: teaches a model with another tokenizer what a teacher knows.
        Exit codes: 0 done; 64 definition or command line; 65 input; 70 a defect of alm; 71 out of memory; 73 run folder in use; 74 storage; 75 interrupted, run the same command again.
        """;

    private static Option<string[]> IgnoredKeys { get; } = new("--ignore-config-key")
    {
        Description = "A key of a model's config.json that this program does not know and you know to be harmless; may be given again.",
        HelpName = "NAME",
        Recursive = true,
    };

    public static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CommandEnvironment environment)
    {
        ParseResult parsed = Root(environment).Parse(arguments);
        if (parsed.Errors.Count > 0)
            return Refuse(parsed, environment);
        if (parsed.GetValue(IgnoredKeys) is { Length: > 0 } keys)
        {
            ModelConfig.IgnoreKeys(keys);
            await environment.Error.WriteLineAsync($"keys of config.json that are ignored wherever a model has them: {string.Join(", ", keys)}");
        }
        try
        {
            // The run has its own handling of signals.
            int code = await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = environment.Output,
                Error = environment.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
            environment.Session.End(code, isAgreed: true);
            return code;
        }
#pragma warning disable CA1031 // The last one to see it: whatever it is, it becomes an exit code and a request.
        catch (Exception e)
#pragma warning restore CA1031
        {
            bool isAgreed = e is InterruptedException { IsAgreed: true };
            (int code, string message) = Explain(e, arguments);
            int rank = environment.Session.Ranks.Rank;
            // What all ranks end for, the first one says.
            if (rank == 0 || !isAgreed)
                await environment.Error.WriteLineAsync(rank == 0 ? message : $"rank {rank}: {message}");
            environment.Session.End(code, isAgreed);
            return code;
        }
    }

    private static (int Code, string Message) Explain(Exception exception, IReadOnlyList<string> arguments)
    {
        switch (exception)
        {
            case AlmException { ExitCode: ExitCodes.Interrupted } e:
                return (e.ExitCode, $"{e.Message}\nto go on, run the same command again: alm {string.Join(' ', arguments.Select(Quote))}");
            case AlmException { ExitCode: ExitCodes.Defect, InnerException: { } inner } e:
                return (e.ExitCode, $"{e.Message}\n{inner}");
            case AlmException e:
                return (e.ExitCode, e.Message);
            case var e when MemoryExhaustion.Is(e):
                return (ExitCodes.Memory, MemoryExhaustion.At("alm", e, "lower the command's batch or length options").Message);
            default:
                return (ExitCodes.Defect, $"{exception}\nThis is a defect of alm. Please report it with the lines above and the definition.");
        }
    }

    public static RootCommand Root(CommandEnvironment environment)
    {
        var root = new RootCommand(Description);
        root.Options.Add(IgnoredKeys);
        foreach (Func<CommandEnvironment, Command> create in CommandTable.All)
            root.Subcommands.Add(create(environment));
        return root;
    }

    private static int Refuse(ParseResult parsed, CommandEnvironment environment)
    {
        foreach (ParseError error in parsed.Errors)
            environment.Error.WriteLine(error.Message);
        Command given = parsed.CommandResult.Command;
        IEnumerable<string> commands = given.Parents.OfType<Command>().Append(given).Where(c => c is not RootCommand).Select(c => " " + c.Name);
        environment.Error.WriteLine($"see: alm{string.Concat(commands)} --help");
        return ExitCodes.Definition;
    }

    private static string Quote(string argument)
        => argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c, StringComparison.Ordinal)) && argument.Length > 0
            ? argument
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
