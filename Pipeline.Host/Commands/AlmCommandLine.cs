using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary>The command line: parses, runs, and makes an exit code of what happened.</summary>
internal static class AlmCommandLine
{
    private const string Description = """
        Cross-tokenizer distillation: teaches a model with another tokenizer what a teacher knows.
        Exit codes: 0 done; 64 definition or command line; 65 input; 70 a defect of alm; 71 out of memory; 73 run folder in use; 74 storage; 75 interrupted, run the same command again.
        """;

    public static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CommandEnvironment environment)
    {
        ParseResult parsed = Root(environment).Parse(arguments);
        if (parsed.Errors.Count > 0)
            return Refuse(parsed, environment);
        try
        {
            // The run has its own handling of signals.
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = environment.Output,
                Error = environment.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (AlmException e)
        {
            await environment.Error.WriteLineAsync(e.Message);
            if (e.ExitCode == ExitCodes.Interrupted)
                await environment.Error.WriteLineAsync($"to go on, run the same command again: alm {string.Join(' ', arguments.Select(Quote))}");
            if (e.ExitCode == ExitCodes.Defect && e.InnerException is not null)
                await environment.Error.WriteLineAsync(e.InnerException.ToString());
            return e.ExitCode;
        }
        catch (Exception e) when (MemoryExhaustion.Is(e))
        {
            await environment.Error.WriteLineAsync(MemoryExhaustion.At("alm", e, "lower the command's batch or length options").Message);
            return ExitCodes.Memory;
        }
#pragma warning disable CA1031 // The last one to see it: whatever it is, it becomes an exit code and a request.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await environment.Error.WriteLineAsync($"{e}\nThis is a defect of alm. Please report it with the lines above and the definition.");
            return ExitCodes.Defect;
        }
    }

    public static RootCommand Root(CommandEnvironment environment)
    {
        var root = new RootCommand(Description);
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
