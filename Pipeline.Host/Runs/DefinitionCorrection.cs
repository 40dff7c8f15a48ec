using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Runs;

/// <summary>
/// Decides what may differ between the definition that a run folder was begun with and the one that it continues with.
/// <list type="bullet">
/// <item>A flow may change completely if neither it nor a later flow has committed anything.</item>
/// <item>A training that is not done may have its tunable keys changed (<see cref="TunableAttribute"/>). It continues from its last checkpoint.</item>
/// <item>Keys that only make a run longer may always change (<see cref="ExtendsAttribute"/>).</item>
/// <item>The run's own keys count as keys of the first flow.</item>
/// </list>
/// </summary>
/// <param name="storage">The storage that the folder is in.</param>
/// <param name="folder">The full path of the run folder.</param>
/// <param name="catalog">Says what stages write.</param>
internal sealed class DefinitionCorrection(IStorage storage, string folder, StageCatalog catalog)
{
    /// <summary>Compares two definitions, and refuses a difference that would mix results of both.</summary>
    /// <param name="was">The definition that the folder was begun with.</param>
    /// <param name="now">The definition that it continues with.</param>
    /// <param name="from">The index of the first flow that is made again, together with all later ones. Null if none is.</param>
    /// <returns>The changes that are taken over, without those that only make the run longer.</returns>
    /// <exception cref="DefinitionException">Something that is committed was made with what differs.</exception>
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

    /// <summary>
    /// Deletes the beginnings (<see cref="StageOutput.IsBeginning"/>) that the first corrected flow and all later ones have left, so that they are
    /// made again from the corrected definition. Changes of tunable keys delete nothing.
    /// </summary>
    /// <param name="was">The definition that the folder was begun with.</param>
    /// <param name="accepted">What <see cref="Accept"/> returned.</param>
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
            // A path that the rules refuse by now. Nothing can have been written there.
            return false;
        }
        return storage.FileExists(path) || storage.List(path).Any(entry => !Staging.IsStaging(entry));
    }
}
