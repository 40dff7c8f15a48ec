using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>How paths in definitions become full paths, so that an untrusted definition cannot reach outside the run folder.</summary>
public static class RunPaths
{
    /// <summary>Marks a path below the run folder.</summary>
    public const string RunPrefix = "run:";

    /// <summary>
    /// A path to read: <c>run:NAME</c> is below the run folder, anything else is relative to the current directory.
    /// </summary>
    public static string Input(string runFolder, string path)
        => path.StartsWith(RunPrefix, StringComparison.Ordinal)
            ? Output(runFolder, path[RunPrefix.Length..])
            : Path.GetFullPath(WithoutNull(path));

    /// <summary>A path to write: relative, and below the run folder.</summary>
    /// <exception cref="DefinitionException">It is absolute or leaves the folder.</exception>
    public static string Output(string runFolder, string name)
    {
        string root = Path.GetFullPath(runFolder) + Path.DirectorySeparatorChar;
        string full = Path.GetFullPath(Path.Combine(root, WithoutNull(name)));
        if (name.Length == 0 || Path.IsPathRooted(name) || !full.StartsWith(root, StringComparison.Ordinal))
            throw new DefinitionException($"path '{name}' is outside the run folder {runFolder}; give a path below it");
        return full;
    }

    // No system has such names, and the framework's own message names no file.
    private static string WithoutNull(string path)
        => path.Contains('\0', StringComparison.Ordinal) ? throw new DefinitionException($"path '{path.Replace("\0", "\\0", StringComparison.Ordinal)}' contains a null character; remove it") : path;
}
