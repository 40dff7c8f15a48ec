using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>
/// Reads the progress of a run from its folder alone, while other processes may work in it. Writes nothing. It can be asked again and again: the
/// definition is read again only when it has changed.
/// </summary>
internal sealed class RunStatusReader(StageCatalog catalog, IStorage storage, TimeProvider time, string folder)
{
    private static readonly string[] Written = [RunFiles.Definition, RunFiles.Progress, RunFiles.Metrics, RunFiles.Rejects, RunFiles.Errors, RunFiles.Report];

    private readonly CanonicalDefinition _canonical = new(new OptionTypes());
    private (DateTime Written, RunDefinition Run, IReadOnlyList<PlannedFlow> Flows)? _known;

    /// <summary>A flow, with what its definition says before any work.</summary>
    /// <param name="Flow">The flow.</param>
    /// <param name="Hash">The hash of everything that decides its results.</param>
    /// <param name="Parts">How many parts it has. Null if its sink does not commit parts.</param>
    /// <param name="Steps">How many steps it takes in all. Null if it does not train.</param>
    private sealed record PlannedFlow(FlowDefinition Flow, string Hash, int? Parts, long? Steps);

    /// <summary>Reads how far the run is now.</summary>
    /// <exception cref="InputException">It is not a run folder, or its files are damaged.</exception>
    public RunStatus Read()
    {
        (RunDefinition run, IReadOnlyList<PlannedFlow> flows) = Plan();
        RunProgress progress = RunProgress.Read(storage, folder);
        IReadOnlyList<JsonObject> metrics = JsonTail.Read(storage, PathOf(RunFiles.Metrics));
        FlowStatus[] read = [.. flows.Select(f => Read(f, progress, metrics))];
        ProcessIdentity? owner = LockOwner.Read(storage, PathOf(RunFiles.Lock));
        TimeSpan silent = Silence(Written.Select(f => storage.LastWritten(PathOf(f))).Max());
        return new RunStatus(run.Name, StateOf(read, owner, silent), owner, silent, read);
    }

    private RunState StateOf(FlowStatus[] flows, ProcessIdentity? owner, TimeSpan silent)
    {
        bool isHeld = owner is { } process && (process.Machine == storage.Process.Machine ? storage.MayRun(process) : silent < Staging.Silence);
        return isHeld || flows.Any(f => f.Running.Count > 0) ? RunState.Running
            : flows.All(f => f.Done) && storage.FileExists(PathOf(RunFiles.Report)) ? RunState.Done
            : RunState.Stopped;
    }

    // The number of parts depends on the definition only, so it is kept for as long as the definition stays the same.
    private (RunDefinition Run, IReadOnlyList<PlannedFlow> Flows) Plan()
    {
        string path = PathOf(RunFiles.Definition);
        if (!storage.FileExists(path))
            throw new InputException($"{folder} is not a run folder: it has no {RunFiles.Definition}");
        DateTime written = storage.LastWritten(path);
        if (_known is { } known && known.Written == written)
            return (known.Run, known.Flows);
        RunDefinition run = new DefinitionLoader(catalog, storage).Load(path).Definition;
        using var stages = new UnrunStages(run, folder, catalog, storage, time);
        PlannedFlow[] flows = [.. run.Flows.Select((flow, i) => new PlannedFlow(
            flow, _canonical.FlowHash(run, i), catalog[flow.Stages[^1].Kind.Value].IsCommitted ? CommittedParts.Of(flow, stages.Surroundings) : null, StepsOf(flow)))];
        _known = (written, run, flows);
        return (run, flows);
    }

    // Every stage that trains has an option of this name.
    private static long? StepsOf(FlowDefinition flow)
        => OptionType.Of(flow.Stages[^1].Options.GetType()).Properties.FirstOrDefault(p => p.Key == "steps")?.Property.GetValue(flow.Stages[^1].Options) switch
        {
            int steps => steps,
            long steps => steps,
            _ => null,
        };

    private FlowStatus Read(PlannedFlow planned, RunProgress progress, IReadOnlyList<JsonObject> metrics)
    {
        string flow = planned.Flow.Name;
        FlowState state = progress.Of(flow, planned.Hash);
        IReadOnlyList<StageCounts> total = state.Total();
        RunningPart[] running = [.. WorkMark.OfParts(storage, progress.Parts.FolderOf(flow)).Select(m => (Part: (int?)m.Part, m.Owner, m.Path))
            .Concat(WorkMark.OfFlow(storage, folder, flow).Select(m => (Part: (int?)null, m.Owner, m.Path)))
            .Where(m => Staging.IsAtWork(storage, m.Path))
            .Select(m => new RunningPart(m.Part, m.Owner.ToString(), Silence(storage.LastWritten(m.Path)), WorkMark.Read(storage, m.Path)))];
        PartRecord[] failed = [.. progress.Parts.All(flow)
            .Where(r => r.Hash == planned.Hash && r.Error is not null && !state.Partitions.ContainsKey(r.Part) && running.All(m => m.Part != r.Part))];
        (DateTimeOffset Time, long Step)[] steps = [.. metrics.Where(m => m.Text("flow") == flow).Select(StepOf).OfType<(DateTimeOffset, long)>()];
        return new FlowStatus(
            flow, state.Done, planned.Parts, state.Partitions.Count, running, failed,
            total.Count > 0 ? total[0].In : 0, total.Select(s => s.Counts.GetValueOrDefault("teacherTokens")).LastOrDefault(n => n > 0), state.Seconds,
            steps.Length > 0 ? steps[^1].Step : null)
        {
            OfSteps = planned.Steps,
            SecondsPerStep = SecondsPerStep(steps),
            Rejects = [.. total.SelectMany(s => s.RejectedBy.Select(r => new RejectCount(s.Stage, r.Key, r.Value)))],
        };
    }

    private static (DateTimeOffset Time, long Step)? StepOf(JsonObject line)
        => line["step"] is JsonValue value && value.TryGetValue(out long step)
            && DateTimeOffset.TryParse(line.Text("time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at)
            ? (at, step)
            : null;

    // The median, because a pause overnight, or steps that are taken again after a stop, should not change the estimate.
    private static double? SecondsPerStep((DateTimeOffset Time, long Step)[] steps)
    {
        double[] each = [.. steps.Zip(steps.Skip(1)).Where(p => p.Second.Step > p.First.Step)
            .Select(p => (p.Second.Time - p.First.Time).TotalSeconds / (p.Second.Step - p.First.Step)).Order()];
        return each.Length == 0 ? null : each[each.Length / 2];
    }

    // The clocks of two machines differ, so a file may seem to be from the future.
    private TimeSpan Silence(DateTime written) => TimeSpan.FromTicks(Math.Max(0, (time.GetUtcNow().UtcDateTime - written).Ticks));

    private string PathOf(string file) => Path.Combine(folder, file);
}
