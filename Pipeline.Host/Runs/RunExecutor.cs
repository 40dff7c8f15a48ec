using System.Globalization;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Pages;
using Pipeline.Host.Progress;
using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Runs;

/// <summary>
/// Runs a definition in its run folder (<c>alm run</c>). The flows are run in order, and those that are done are skipped, so that a run which was stopped
/// continues where it was.
/// </summary>
internal sealed class RunExecutor(
    LoadedDefinition definition,
    DefinitionLoader loader,
    StageCatalog catalog,
    RunSettings settings,
    StopSignals signals,
    IStorage storage,
    TimeProvider time,
    IServiceProvider services,
    IProgressDisplay display,
    ILogger<RunExecutor> log) : IJob
{
    private readonly CanonicalDefinition _canonical = new(new OptionTypes());

    /// <summary>The run folder of a definition, as it was given or by default.</summary>
    public static string FolderOf(RunDefinition definition, RunSettings settings) => settings.Folder ?? Path.Combine("runs", definition.Name);

    /// <summary>Runs the definition, and writes the report at its end. An error is also written to the run folder.</summary>
    /// <exception cref="AlmException">The run failed or was stopped. The exception has the exit code of the command.</exception>
    public async Task RunAsync()
    {
        RunDefinition run = definition.Definition;
        RankFollower.Agree(settings.Ranks, definition);
        foreach (string warning in Rules())
            log.DefinitionWarns(warning);
        using RunFolder folder = RunFolder.Open(storage, FolderOf(run, settings), definition, loader, time, From(run));
        try
        {
            await RunAsync(run, folder);
        }
        catch (Exception e) when (e is not (InterruptedException or OperationCanceledException))
        {
            ErrorLog.Append(storage, folder.Path, e, time.GetUtcNow());
            throw;
        }
    }

    private async Task RunAsync(RunDefinition run, RunFolder folder)
    {
        if (folder.Resumed)
            log.RunGoesOn(run.Name, folder.Path, run.Seed);
        else
            log.RunBegins(run.Name, folder.Path, run.Seed);
        foreach (DefinitionChange change in folder.Changes)
            log.DefinitionCorrected(change.Path, change.Was, change.Is);
        if (settings.From is { } from)
            log.FlowsTakenBack(from, string.Join(", ", FlowRestart.Apply(storage, folder, run, catalog, from).DefaultIfEmpty("nothing")));
        using var metrics = new MetricsLog(storage, folder.Path, time);
        using var rejects = new RejectFile(storage, folder.File(RunFiles.Rejects));
        var surroundings = new StageSurroundings(
            run, folder.Path, storage, services, time, catalog, metrics, rejects, (flow, stage, message) => log.StageSays(flow, stage, message));
        var failures = new FailedRecords(run.MaxFailedRecords, AlreadyFailed(folder.Progress, run));
        var runner = new FlowRunner(surroundings, new GraphRunner(settings, signals, failures, time), settings.Ranks, rejects, display, log);
        for (int i = 0; i < run.Flows.Count; i++)
        {
            await RunFlowAsync(run.Flows[i], _canonical.FlowHash(run, i), folder, runner);
            metrics.Flush();
            if (run.Flows[i].Name == settings.Through && i + 1 < run.Flows.Count)
            {
                log.RunEndsEarly(run.Flows[i].Name, run.Flows[i + 1].Name);
                settings.Ranks.FromFirst(RankFollower.End);
                return;
            }
        }
        settings.Ranks.FromFirst(RankFollower.End);
        // The failures in parts that other processes have done are known only now.
        failures.Require(AlreadyFailed(folder.Progress, run));
        Staging.CleanDead(storage, folder.Path);
        RunReportWriter.Write(storage, folder, definition);
        ReportPage.Write(storage, folder.Path, MachineFacts.Here(isRun: true), time.GetUtcNow());
        log.RunDone(run.Name, folder.Path);
    }

    /// <summary>Checks the rules of flows that are not done. Returns warnings.</summary>
    /// <exception cref="DefinitionException">The definition breaks rules. Nothing was begun.</exception>
    private IReadOnlyList<string> Rules()
    {
        RunDefinition run = definition.Definition;
        string folder = Path.GetFullPath(FolderOf(run, settings));
        RunProgress progress = RunProgress.Read(storage, folder);
        int from = From(run) ?? run.Flows.Count;
        var surroundings = new StageSurroundings(
            run, folder, storage, services, time, catalog, NoScalars.Instance, NoRejects.Instance, static (_, _, _) => { });
        return new RunRules(definition, surroundings).Require(i => i >= from || !progress.Of(run.Flows[i].Name, _canonical.FlowHash(run, i)).Done);
    }

    private int? From(RunDefinition run) => settings.From is null ? null : run.Flows.ToList().FindIndex(f => f.Name == settings.From);

    private async Task RunFlowAsync(FlowDefinition flow, string hash, RunFolder folder, FlowRunner runner)
    {
        FlowState state = folder.Progress.Of(flow.Name, hash);
        if (state.Done)
        {
            if (await runner.IsPresentAsync(flow))
            {
                log.FlowSkipped(flow.Name);
                return;
            }
            log.FlowReopened(flow.Name);
        }
        log.FlowBegins(flow.Name, string.Join(" → ", flow.Stages.Select(s => s.Name)));
        await runner.RunAsync(flow, hash, folder.Progress);
        FlowState done = folder.Progress.Of(flow.Name, hash);
        foreach (StageCounts counts in done.Total())
            log.StageDone(flow.Name, counts.Stage, Rates.Wrap(Describe(counts), ", ", Rates.StampColumns + $"flow '{flow.Name}', stage '{counts.Stage}': ".Length));
        log.FlowDone(flow.Name, done.Seconds);
    }

    /// <summary>
    /// How many records have failed in work that is done. They still count: stopping and continuing a run, or leaving parts to other processes, must not
    /// raise the limit.
    /// </summary>
    public static long AlreadyFailed(RunProgress progress, RunDefinition run)
    {
        var canonical = new CanonicalDefinition(new OptionTypes());
        return run.Flows
            .Select((flow, i) => progress.Of(flow.Name, canonical.FlowHash(run, i)))
            .Sum(state => state.Done || state.Partitions.Count > 0 ? state.Total().Sum(s => s.Failed) : 0);
    }

    private static IEnumerable<string> Describe(StageCounts counts)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"{counts.In:N0} in");
        yield return string.Create(CultureInfo.InvariantCulture, $"{counts.Out:N0} out");
        yield return string.Create(CultureInfo.InvariantCulture, $"{counts.Rejected:N0} rejected{Reasons(counts)}");
        if (counts.Unread > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{counts.Unread:N0} not needed");
        foreach ((string name, long count) in counts.Counts)
            yield return string.Create(CultureInfo.InvariantCulture, $"{name} {count:N0}");
    }

    private static string Reasons(StageCounts counts)
        => counts.RejectedBy.Count == 0 ? "" : $" ({string.Join("; ", counts.RejectedBy.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Value:N0} × {r.Key}")))})";
}
