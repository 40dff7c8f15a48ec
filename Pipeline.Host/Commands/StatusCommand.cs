using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Jobs;
using Pipeline.Host.Progress;
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
            List<FlowStatus> flows = Read(environment, folder);
            if (parsed.GetValue(json))
                environment.Output.WriteLine(JsonSerializer.Serialize(flows, RunReport.Layout));
            else
                flows.ForEach(f => Print(environment.Output, f));
            return ExitCodes.Success;
        });
        return command;
    }

    private static List<FlowStatus> Read(CommandEnvironment environment, string folder)
    {
        IStorage storage = environment.Storage;
        string path = Path.Combine(folder, RunFiles.Definition);
        if (!storage.FileExists(path))
            throw new InputException($"{folder} is no run folder: it has no {RunFiles.Definition}");
        StageCatalog catalog = environment.Catalog();
        RunDefinition run = new DefinitionLoader(catalog, storage).Load(path).Definition;
        using ServiceProvider services = new ServiceCollection()
            .AddAlm(storage, environment.Time, new RunSettings { Folder = folder }, run, catalog).BuildServiceProvider();
        var surroundings = new StageSurroundings(
            run, folder, storage, services, environment.Time, catalog, NoScalars.Instance, NoRejects.Instance, (_, _, _) => { });
        var canonical = new CanonicalDefinition(new OptionTypes());
        var reader = new StatusReader(storage, environment.Time, folder);
        return [.. run.Flows.Select((flow, i) => reader.Read(
            flow, canonical.FlowHash(run, i), catalog[flow.Stages[^1].Kind.Value].IsCommitted ? JobPlan.PartsOf(flow, surroundings) : null))];
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
