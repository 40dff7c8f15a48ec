using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// Turns the paths in a definition into full paths. A definition may be untrusted, so nothing that it writes can lie outside the run folder.
/// </summary>
public static class RunPaths
{
    /// <summary>What a path below the run folder begins with.</summary>
    public const string RunPrefix = "run:";

    /// <summary>
    /// The full path of something to read. <c>run:NAME</c> is below the run folder, and anything else is relative to the current directory.
    /// </summary>
    /// <exception cref="DefinitionException">A path of the run leaves the run folder, or the path contains a null character.</exception>
    public static string Input(string runFolder, string path)
        => path.StartsWith(RunPrefix, StringComparison.Ordinal)
            ? Output(runFolder, path[RunPrefix.Length..])
            : Path.GetFullPath(WithoutNull(path));

    /// <summary>The full path of something to write, which is below the run folder.</summary>
    /// <exception cref="DefinitionException">The path is empty, absolute, leaves the run folder or contains a null character.</exception>
    public static string Output(string runFolder, string name)
    {
        string root = Path.GetFullPath(runFolder) + Path.DirectorySeparatorChar;
        string full = Path.GetFullPath(Path.Combine(root, WithoutNull(name)));
        if (name.Length == 0 || Path.IsPathRooted(name) || !full.StartsWith(root, StringComparison.Ordinal))
            throw new DefinitionException($"path '{name}' is outside the run folder {runFolder}; give a path below it");
        return full;
    }

    // No system allows such names, and .NET's own message would not say which path it is.
    private static string WithoutNull(string path)
        => path.Contains('\0', StringComparison.Ordinal) ? throw new DefinitionException($"path '{path.Replace("\0", "\\0", StringComparison.Ordinal)}' contains a null character; remove it") : path;
}
