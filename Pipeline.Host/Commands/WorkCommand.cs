using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Jobs;
using Pipeline.Host.Runs;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm work</c>: does a share of the parts of one flow while other processes do theirs.</summary>
internal static class WorkCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var input = new RunInput();
        var flow = new Option<string>("--flow") { Description = "The flow whose parts are computed. Its sink must write parts, as write-shards does.", HelpName = "NAME", Required = true };
        var parts = new Option<string?>("--parts")
        {
            Description = "Share K of N, K from 0 to N-1: the parts whose number leaves remainder K when divided by N. The number of parts is set by the definition and does not depend on N. Default: as SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX says.",
            HelpName = "K/N",
        };
        parts.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && WorkShare.Parse(result.Tokens[0].Value) is null)
                result.AddError($"--parts: found {result.Tokens[0].Value}, expected K/N with K from 0 to N-1, such as 0/4");
        });
        var command = new Command(
            "work",
            "Computes a share of one flow's parts in a run folder that other processes may work in at the same time, on this machine or on others that see the folder. It takes no lock and skips parts that are committed. alm run then uses what is there and does the rest.");
        input.AddTo(command);
        command.Options.Add(flow);
        command.Options.Add(parts);
        command.SetAction(async parsed =>
        {
            (int index, int count) = parsed.GetValue(parts) is { } given ? WorkShare.Parse(given)!.Value : ArrayShare.Of(environment.Variable);
            await input.RunAsync<PartWorker>(environment, parsed, new WorkShare(parsed.GetRequiredValue(flow), index, count));
            return ExitCodes.Success;
        });
        return command;
    }
}
