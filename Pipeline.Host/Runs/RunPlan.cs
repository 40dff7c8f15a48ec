using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>Prints what a run will do: its flows and stages, their record types, and the figures that stages can give before any work (<c>alm check</c>).</summary>
internal sealed class RunPlan(
    LoadedDefinition definition, DefinitionLoader loader, StageCatalog catalog, RunSettings settings, IStorage storage, TimeProvider time, TextWriter output)
{
    private readonly CanonicalDefinition _canonical = new(new OptionTypes());

    /// <summary>Checks the rules of the run, and prints the plan.</summary>
    /// <returns>Warnings, each with its place in the definition.</returns>
    /// <exception cref="AlmException">The run would be refused, for example because its definition breaks a rule or an input is missing.</exception>
    public async Task<IReadOnlyList<string>> PrintAsync()
    {
        RunDefinition run = definition.Definition;
        string folder = Path.GetFullPath(RunExecutor.FolderOf(run, settings));
        RunProgress progress = RunProgress.Read(storage, folder);
        using ServiceProvider services = new ServiceCollection().AddAlm(storage, time, settings, run, catalog).BuildServiceProvider();
        var surroundings = new StageSurroundings(
            run, folder, storage, services, time, catalog, NoScalars.Instance, NoRejects.Instance, (_, stage, message) => output.WriteLine($"    {stage}: {message}"));
        bool[] done = [.. run.Flows.Select((flow, i) => progress.Of(flow.Name, _canonical.FlowHash(run, i)).Done)];
        IReadOnlyList<string> warnings = new RunRules(definition, surroundings).Require(i => !done[i]);
        bool begun = storage.FileExists(Path.Combine(folder, RunFiles.Definition));
        IReadOnlyList<DefinitionChange> changes = begun ? RunFolder.CheckSame(storage, folder, definition, loader) : [];
        output.WriteLine($"run '{run.Name}' in {folder}{(begun ? " (begun; it continues)" : " (new)")}");
        foreach (DefinitionChange change in changes)
            output.WriteLine($"  changed: {change.Path}, was {change.Was}, is now {change.Is}");
        for (int i = 0; i < run.Flows.Count; i++)
        {
            output.WriteLine($"flow '{run.Flows[i].Name}'{(done[i] ? " (done: will be skipped)" : "")}");
            // Two flows cannot be estimated: one whose input an earlier flow has yet to make, and one that is done and whose input may have been deleted.
            await PrintFlowAsync(run.Flows[i], surroundings, unknown: done[i] || Array.IndexOf(done, false, 0, i) >= 0);
        }
        return warnings;
    }

    private async Task PrintFlowAsync(FlowDefinition flow, StageSurroundings surroundings, bool unknown)
    {
        FlowGraph? graph = null;
        try
        {
            graph = await FlowGraph.CreateAsync(surroundings, flow, null, CancellationToken.None);
        }
        catch (InputException e) when (unknown)
        {
            output.WriteLine($"  cannot be estimated: {e.Message}");
        }
        await using (graph)
        {
            long? records = null;
            for (int i = 0; i < flow.Stages.Count; i++)
            {
                StageRegistration registration = catalog[flow.Stages[i].Kind.Value];
                StagePlan? plan = PlanOf(graph?.Stages[i] as IPlanned, records, unknown);
                // For a map that says nothing, assume that it produces as many records as it takes.
                records = plan is not null ? plan.Records : registration.Role == StageRole.Map ? records : null;
                output.WriteLine($"  {flow.Stages[i].Name,-20} {Types(registration),-34}{Records(registration, records)}");
                foreach (PlanLine line in plan?.Lines ?? [])
                    output.WriteLine($"    {line.What,-24} {PlanFigure.Show(line.Amount, line.Unit)}{(line.Note is null ? "" : $"  ({line.Note})")}");
            }
        }
    }

    private static StagePlan? PlanOf(IPlanned? stage, long? records, bool unknown)
    {
        try
        {
            return stage?.Plan(records);
        }
        catch (InputException) when (unknown)
        {
            return null;
        }
    }

    private static string Types(StageRegistration registration) => registration.Role switch
    {
        StageRole.Source => $"→ {registration.Output!.Name}",
        StageRole.Sink => $"{registration.Input!.Name} →",
        _ => $"{registration.Input!.Name} → {registration.Output!.Name}",
    };

    private static string Records(StageRegistration registration, long? records)
        => records is null || registration.Output is null ? "" : string.Create(CultureInfo.InvariantCulture, $" {records:N0} records");
}
