using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Stages;

/// <summary>What is known before a run about the places that a definition reads as <c>run:NAME</c>: they are in the run folder, or an earlier flow writes them.</summary>
public static class RunNames
{
    private static readonly char[] Wildcards = ['*', '?'];

    /// <summary>The output of an earlier flow that a path names or is inside of; null if there is none.</summary>
    public static FlowOutput? Find(string path, StageContext context)
        => IsRunPath(path) && TryFull(path, context.RunFolder) is { } full ? context.Facts.Earlier.FirstOrDefault(o => IsIn(o, full, context.RunFolder)) : null;

    /// <summary>A folder of shards as the run's own name, where a stage writes to what the definition calls it: <c>shards</c> is then <c>run:shards</c>.</summary>
    public static string OfShards(string from, StageContext context) => context.Facts.ShardFolders.Contains(from) ? RunPaths.RunPrefix + from : from;

    /// <summary>Why a path cannot be read in a run; null if it can, and for paths that are not the run's.</summary>
    /// <param name="path">As the definition has it; a pattern is looked at up to its first wildcard.</param>
    /// <param name="context">Of the stage that reads it.</param>
    /// <param name="kinds">What an output that it names must be; any when empty.</param>
    public static string? Fault(string path, StageContext context, params ReadOnlySpan<OutputKind> kinds)
    {
        if (!IsRunPath(path))
            return null;
        string full;
        try
        {
            full = RunPaths.Input(context.RunFolder, path);
        }
        catch (DefinitionException e)
        {
            return e.Message;
        }
        if (Find(path, context) is { } made)
        {
            return kinds.IsEmpty || kinds.Contains(made.Output.Kind) || !IsAt(made, full, context.RunFolder) ? null
                : $"'{path}' is the {Word(made.Output.Kind)} that flow '{made.Flow}' writes; expected a {string.Join(" or a ", kinds.ToArray().Select(Word))}";
        }
        if (context.Storage.FileExists(full) || context.Storage.DirectoryExists(full) || (full.IndexOfAny(Wildcards) >= 0 && context.Storage.DirectoryExists(LiteralFolder(full))))
            return null;
        if (context.Facts.Outputs.FirstOrDefault(o => IsIn(o, full, context.RunFolder)) is { } late)
            return $"'{path}' is written by flow '{late.Flow}', {(late.Index == context.Facts.Index ? "this one, and is complete only when the flow is done" : "which comes after this one")}; put what reads it into a later flow";
        OutputKind[] wanted = kinds.ToArray();
        string[] known = [.. context.Facts.Earlier.Where(o => !o.Output.IsState && (wanted.Length == 0 || wanted.Contains(o.Output.Kind))).Select(o => $"run:{o.Output.Path}")];
        return $"'{path}' is not in the run folder, and no flow before this one writes it{(known.Length == 0 ? "" : $"; earlier flows write: {string.Join(", ", known)}")}";
    }

    private static bool IsRunPath(string path) => path.StartsWith(RunPaths.RunPrefix, StringComparison.Ordinal);

    private static string? TryFull(string path, string runFolder)
    {
        try
        {
            return RunPaths.Input(runFolder, path);
        }
        catch (DefinitionException)
        {
            return null;
        }
    }

    private static bool IsAt(FlowOutput output, string full, string runFolder) => Place(output, runFolder) == full.TrimEnd(Path.DirectorySeparatorChar);

    private static bool IsIn(FlowOutput output, string full, string runFolder)
    {
        if (output.Output.IsState || Place(output, runFolder) is not { } place)
            return false;
        if (IsAt(output, full, runFolder) || full.StartsWith(place + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            return true;
        int wild = full.IndexOfAny(Wildcards);
        return wild >= 0 && place.StartsWith(full[..wild], StringComparison.Ordinal);
    }

    private static string? Place(FlowOutput output, string runFolder)
        => TryFull(RunPaths.RunPrefix + output.Output.Path, runFolder)?.TrimEnd(Path.DirectorySeparatorChar);

    private static string LiteralFolder(string pattern) => Path.GetDirectoryName(pattern[..pattern.IndexOfAny(Wildcards)])!;

    private static string Word(OutputKind kind) => kind.ToString().ToLowerInvariant();
}
