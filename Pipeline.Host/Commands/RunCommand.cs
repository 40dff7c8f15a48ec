using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Commands;

/// <summary><c>alm run</c>: runs a definition, or continues where it was stopped.</summary>
internal static class RunCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var input = new RunInput();
        var command = new Command("run", "Runs a definition. Run the same command again to continue after a stop, a kill or an error: what is committed is kept. When started by mpirun, the processes train one student together.");
        var through = new Option<string?>("--through") { Description = "Stop after this flow. The same command without this option continues.", HelpName = "FLOW" };
        var from = new Option<string?>("--from") { Description = "Discard what this flow and those after it have done, and do them again. To continue after a stop, leave this out.", HelpName = "FLOW" };
        input.AddTo(command);
        command.Options.Add(through);
        command.Options.Add(from);
        command.SetAction(async parsed =>
        {
            if (environment.Session.Join(environment.Variable).Rank == 0)
                await input.RunAsync<RunExecutor>(environment, parsed, parsed.GetValue(through), parsed.GetValue(from));
            else
                await input.RunAsync<RankFollower>(environment, parsed, parsed.GetValue(through), parsed.GetValue(from));
            return ExitCodes.Success;
        });
        return command;
    }
}
