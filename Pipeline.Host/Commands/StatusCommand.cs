using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm status</c>: prints how far a run is, from its folder alone.</summary>
internal static class StatusCommand
{
    private const int ShownFailures = 10;

    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("RUN") { Description = "A run folder; other processes may be working in it." };
        var json = new Option<bool>("--json") { Description = "As JSON." };
        var command = new Command("status", "Shows how far a run has got: parts done, running and failed, and speed. It only reads the run folder.");
        command.Arguments.Add(path);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            string folder = Path.GetFullPath(parsed.GetRequiredValue(path));
            IReadOnlyList<FlowStatus> flows = new RunStatusReader(environment.Catalog(), environment.Storage, environment.Time, folder).Read().Flows;
            if (parsed.GetValue(json))
            {
                environment.Output.WriteLine(JsonSerializer.Serialize(flows, RunReport.Layout));
                return ExitCodes.Success;
            }
            foreach (FlowStatus flow in flows)
                Print(environment.Output, flow);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Print(TextWriter output, FlowStatus flow)
    {
        string parts = flow.Parts is { } count
            ? string.Create(CultureInfo.InvariantCulture, $"{flow.Committed} of {count} parts done, {flow.Running.Count} running, {flow.Failed.Count} failed")
            : flow.Done ? "done" : flow.Steps is { } step ? string.Create(CultureInfo.InvariantCulture, $"at step {step}{(flow.OfSteps is { } of ? $" of {of}" : "")}") : "not done";
        output.WriteLine($"{flow.Flow}: {parts}{(flow.Parts is not null && flow.Done ? "; taken over by the run" : "")}{Speed(flow)}{Left(flow)}");
        foreach (RunningPart part in flow.Running.OrderBy(p => p.Part))
        {
            string what = part.Part is { } number ? string.Create(CultureInfo.InvariantCulture, $"part {number}") : "it";
            string done = part.Live is { } live ? $"; {Rates.Short(live.Records)} records{(live.Total > 0 ? $", {Rates.Short(live.Share * 100)} %" : "")}" : "";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what} is running in process {part.Process}, last heard from {part.Silent.TotalSeconds:F0} s ago{done}"));
        }
        foreach (PartRecord part in flow.Failed.Take(ShownFailures))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  part {part.Part} failed (exit {part.ExitCode}): {part.Error?.Split('\n')[0]}"));
        if (flow.Failed.Count > ShownFailures)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  and {flow.Failed.Count - ShownFailures} more"));
    }

    private static string Left(FlowStatus flow)
        => flow.SecondsLeft is { } seconds ? $"; {Rates.Time(TimeSpan.FromSeconds(seconds))} left at this speed" : "";

    private static string Speed(FlowStatus flow)
    {
        if (flow.Seconds <= 0 || flow.Records == 0 || flow.Parts is null)
            return "";
        string tokens = flow.TeacherTokens > 0 ? $", {Rates.Short(flow.TeacherTokens / flow.Seconds)} teacher tokens/s" : "";
        return $"; {Rates.Short(flow.Records / flow.Seconds)} records/s{tokens} in one process";
    }
}
