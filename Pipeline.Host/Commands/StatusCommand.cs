using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Files;
using Pipeline.Host.Runs;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm status</c>: how far a run is, from its folder alone.</summary>
internal static class StatusCommand
{
    private const int ShownFailures = 10;

    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("RUN") { Description = "A run folder, which others may work in." };
        var json = new Option<bool>("--json") { Description = "As JSON." };
        var command = new Command("status", "Shows how far a run is: parts done, running and failed, and speed. Reads the run folder alone and writes nothing.");
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
            : flow.Done ? "done" : flow.Steps is { } step ? string.Create(CultureInfo.InvariantCulture, $"at step {step}") : "not done";
        output.WriteLine($"{flow.Flow}: {parts}{(flow.Parts is not null && flow.Done ? "; taken by the run" : "")}{Speed(flow)}");
        foreach (RunningPart part in flow.Running.OrderBy(p => p.Part))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  part {part.Part} is running in process {part.Process}, heard of {part.Silent.TotalSeconds:F0} s ago"));
        foreach (PartRecord part in flow.Failed.Take(ShownFailures))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  part {part.Part} failed (exit {part.ExitCode}): {part.Error?.Split('\n')[0]}"));
        if (flow.Failed.Count > ShownFailures)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  and {flow.Failed.Count - ShownFailures} more"));
    }

    private static string Speed(FlowStatus flow)
    {
        if (flow.Seconds <= 0 || flow.Records == 0 || flow.Parts is null)
            return "";
        string tokens = flow.TeacherTokens > 0 ? string.Create(CultureInfo.InvariantCulture, $", {flow.TeacherTokens / flow.Seconds:F0} teacher tokens/s") : "";
        return string.Create(CultureInfo.InvariantCulture, $"; {flow.Records / flow.Seconds:F1} records/s{tokens} in one process");
    }
}
