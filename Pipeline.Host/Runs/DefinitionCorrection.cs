using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Runs;

/// <summary>
/// What may differ between the definition that a run folder was begun with and the one it continues with: a flow that has committed
/// nothing, and has no later flow that has, may change completely; a training that is not done may have its tunable keys changed at its last
/// checkpoint; what only makes a run longer may always change.
/// </summary>
/// <param name="storage">Where the folder is.</param>
/// <param name="folder">Full path.</param>
/// <param name="catalog">What stages write.</param>
internal sealed class DefinitionCorrection(IStorage storage, string folder, StageCatalog catalog)
{
    /// <param name="was">What the folder was begun with.</param>
    /// <param name="now">What it continues with.</param>
    /// <param name="from">The flow that is made again with those after it, by its place; null: none is.</param>
    /// <returns>The changes that are taken over, without those that only extend.</returns>
    /// <exception cref="DefinitionException">Something committed was made with what differs.</exception>
    public IReadOnlyList<DefinitionChange> Accept(RunDefinition was, RunDefinition now, int? from)
    {
        List<DefinitionChange> changes = [.. new DefinitionDiff(new OptionTypes()).Compare(was, now).Where(c => !c.Extends)];
        if (changes.Count == 0)
            return [];
        RunProgress progress = RunProgress.Read(storage, folder);
        bool[] committed = [.. was.Flows.Select(f => HasCommitted(f, progress))];
        bool IsOpen(DefinitionChange change)
        {
            int first = change.Flow ?? 0;
            if (from <= first)
                return true;
            int last = Array.FindLastIndex(committed, c => c);
            return last < first || (last == first && change.IsTunable && !IsDone(was.Flows[first], progress));
        }
        List<DefinitionChange> refused = [.. changes.Where(c => !IsOpen(c))];
        if (refused.Count == 0)
            return changes;
        string again = refused.All(c => c.Flow < now.Flows.Count) ? $", or redo what it changes with alm run --from {now.Flows[refused.Min(c => c.Flow!.Value)].Name}" : "";
        throw new DefinitionException(
            $"{folder} was begun with another definition:{DefinitionDiff.Describe(refused)}\n"
            + $"Flow '{was.Flows[Array.FindLastIndex(committed, c => c)].Name}' has committed results that would be mixed with others. Undo the change, use a new run folder with --run{again}.");
    }

    /// <summary>Deletes what flows that are corrected left that only their beginning decides, so that it is made of the correction.</summary>
    public void Clean(RunDefinition was, IReadOnlyList<DefinitionChange> accepted)
    {
        int first = accepted.Where(c => !c.IsTunable).Select(c => c.Flow ?? 0).DefaultIfEmpty(was.Flows.Count).Min();
        foreach (StageOutput output in was.Flows.Skip(first).SelectMany(catalog.OutputsOf).Where(o => o.IsBeginning))
            storage.DeleteDirectory(RunPaths.Output(folder, output.Path));
    }

    private static bool IsDone(FlowDefinition flow, RunProgress progress) => progress.Flows.TryGetValue(flow.Name, out FlowState? state) && state.Done;

    private bool HasCommitted(FlowDefinition flow, RunProgress progress)
        => (progress.Flows.TryGetValue(flow.Name, out FlowState? state) && (state.Done || state.Partitions.Count > 0))
            || catalog.OutputsOf(flow).Any(o => !o.IsBeginning && IsThere(o));

    private bool IsThere(StageOutput output)
    {
        string path;
        try
        {
            path = RunPaths.Output(folder, output.Path);
        }
        catch (DefinitionException)
        {
            // A place that rules refuse by now: nothing was written there.
            return false;
        }
        return storage.FileExists(path) || storage.List(path).Any(entry => !Staging.IsStaging(entry));
    }
}
