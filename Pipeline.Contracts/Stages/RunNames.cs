using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// What is known, before a run begins, about the paths that a definition reads as <c>run:NAME</c>. Such a path is in the run folder already, or an
/// earlier flow will write it.
/// </summary>
public static class RunNames
{
    private static readonly char[] Wildcards = ['*', '?'];

    /// <summary>
    /// The output of an earlier flow that a path names or lies inside. A path with wildcards finds the first output that it could match. Null if there
    /// is none.
    /// </summary>
    public static FlowOutput? Find(string path, StageContext context)
        => IsRunPath(path) && TryFull(path, context.RunFolder) is { } full ? context.Facts.Earlier.FirstOrDefault(o => IsIn(o, full, context.RunFolder)) : null;

    /// <summary>
    /// The name under which a run can read a folder of shards. If a stage of this run writes to the folder that the definition names, such as
    /// <c>shards</c>, that is <c>run:shards</c>. Any other path stays as it is.
    /// </summary>
    public static string OfShards(string from, StageContext context) => context.Facts.ShardFolders.Contains(from) ? RunPaths.RunPrefix + from : from;

    /// <summary>Why a path of the run (<c>run:NAME</c>) cannot be read. Null if it can be read, and for any other path.</summary>
    /// <param name="path">The path as the definition has it. Of a pattern, only the folder before its first wildcard has to exist.</param>
    /// <param name="context">The context of the stage that reads the path.</param>
    /// <param name="kinds">The kinds of output that the path may name; empty if any will do.</param>
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
