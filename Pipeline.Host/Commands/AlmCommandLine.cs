using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Hosting;
using Pipeline.Stages.Models;

namespace Pipeline.Host.Commands;

/// <summary>The command line. It parses the arguments, runs the command, and turns what happened into an exit code.</summary>
internal static class AlmCommandLine
{
    private const string Description = """
        Cross-tokenizer distillation: teaches a model with another tokenizer what a teacher knows.
        Exit codes: 0 done; 64 definition or command line; 65 input; 70 a bug in alm; 71 out of memory; 73 run folder in use; 74 storage; 75 interrupted, run the same command again.
        """;

    private static Option<string[]> IgnoredKeys { get; } = new("--ignore-config-key")
    {
        Description = "A key of a model's config.json that alm does not know and that you know to be harmless. May be given more than once.",
        HelpName = "NAME",
        Recursive = true,
    };

    public static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CommandEnvironment environment)
    {
        ParseResult parsed;
        try
        {
            parsed = Root(environment).Parse(arguments);
        }
        catch (InvalidOperationException e)
        {
            // A rule about several options has asked for the value of one that has no value, or a wrong one. The message says which.
            await environment.Error.WriteLineAsync($"{e.Message}\nsee: alm --help");
            return ExitCodes.Definition;
        }
        if (parsed.Errors.Count > 0)
            return Refuse(parsed, environment);
        if (parsed.GetValue(IgnoredKeys) is { Length: > 0 } keys)
        {
            ModelConfig.IgnoreKeys(keys);
            await environment.Error.WriteLineAsync($"keys that are ignored in every model's config.json: {string.Join(", ", keys)}");
        }
        try
        {
            // The commands run and work handle signals themselves, and stop at a point from which they can continue.
            using EndedCommand? ended = parsed.CommandResult.Command.Name is "run" or "work" ? null : new EndedCommand();
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
#pragma warning disable CA1031 // Nothing above this could catch it. It becomes an exit code, and for a bug a request to report it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            bool isAgreed = e is InterruptedException { IsAgreed: true };
            (int code, string message) = Explain(e, arguments);
            int rank = environment.Session.Ranks.Rank;
            // An error that all ranks share is printed only by the first one.
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
                return (e.ExitCode, $"{e.Message}\nto continue, run the same command again: alm {string.Join(' ', arguments.Select(Quote))}");
            case AlmException { ExitCode: ExitCodes.Defect, InnerException: { } inner } e:
                return (e.ExitCode, $"{e.Message}\n{inner}");
            case AlmException e:
                return (e.ExitCode, e.Message);
            case var e when MemoryExhaustion.Is(e):
                return (ExitCodes.Memory, MemoryExhaustion.At("alm", e, "lower the command's batch or length options").Message);
            default:
                return (ExitCodes.Defect, $"{exception}\nThis is a bug in alm. Please report it with the lines above and the definition.");
        }
    }

    public static RootCommand Root(CommandEnvironment environment)
    {
        var root = new RootCommand(Description);
        root.Options.Add(IgnoredKeys);
        foreach (Func<CommandEnvironment, Command> create in CommandTable.All)
            root.Subcommands.Add(create(environment));
        CompleteChoices(root);
        return root;
    }

    // Shells should complete the values that --help shows, and not the names that these have in the program.
    private static void CompleteChoices(Command command)
    {
        foreach (Option option in command.Options.Where(o => o.HelpName?.Contains('|', StringComparison.Ordinal) == true))
        {
            option.CompletionSources.Clear();
            option.CompletionSources.Add(option.HelpName!.Split('|'));
        }
        foreach (Command sub in command.Subcommands)
            CompleteChoices(sub);
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
