using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>
/// Checks before a run that the files which a source names exist and have what is asked for. It reads no more of them than it needs for that.
/// </summary>
internal static class InputFileRules
{
    /// <summary>What is wrong with the files.</summary>
    /// <param name="patterns">The source's <c>files</c>.</param>
    /// <param name="context">The source's context.</param>
    /// <param name="require">Throws if a file does not have what is asked for.</param>
    public static IEnumerable<RuleFinding> Of(IReadOnlyList<string> patterns, StageContext context, Action<string> require)
    {
        if (patterns.Count == 0)
            yield return new RuleFinding("files", "'files' is empty; name at least one");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < patterns.Count; i++)
        {
            foreach ((string fault, bool isInput) in Faults(patterns[i], context, require, seen))
                yield return new RuleFinding($"files[{i}]", $"'files': {fault}") { IsInput = isInput };
        }
    }

    private static IEnumerable<(string Fault, bool IsInput)> Faults(string pattern, StageContext context, Action<string> require, HashSet<string> seen)
    {
        if (RunNames.Fault(pattern, context) is { } fault)
            return [(fault, false)];
        if (RunNames.Find(pattern, context) is not null)
            return [];
        string path = RunPaths.Input(context.RunFolder, pattern);
        IReadOnlyList<string> files = !Glob.IsPattern(path) || context.Storage.FileExists(path) ? [path] : Glob.Expand(context.Storage, path);
        return files.Count == 0
            ? [($"no file matches '{pattern}' (looked for {path})", true)]
            : files.Select(file => FaultOf(file, context.Storage, require, seen)).OfType<(string, bool)>();
    }

    private static (string Fault, bool IsInput)? FaultOf(string path, IStorage storage, Action<string> require, HashSet<string> seen)
    {
        if (!seen.Add(path))
            return ($"{path} is named twice; its documents would have the same ids", false);
        if (!storage.FileExists(path))
            return ($"{path} does not exist", true);
        try
        {
            require(path);
            return null;
        }
        catch (InputException e)
        {
            return (e.Message, true);
        }
    }
}
