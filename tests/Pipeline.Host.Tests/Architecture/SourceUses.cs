using System.Text.RegularExpressions;

namespace Pipeline.Host.Tests.Architecture;

/// <summary>Which room names which in the source: what a compiler leaves no trace of (constants, <c>nameof</c>, documentation) is named by a <c>using</c>.</summary>
internal static partial class SourceUses
{
    /// <summary>The files of an assembly, with the room of each (its folder, dots for slashes) and its text.</summary>
    public static IEnumerable<(string Path, string Room, string Text)> Files(string assembly)
    {
        string root = Path.Combine(Repository.Root, assembly);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(f => (f, Path.GetRelativePath(root, Path.GetDirectoryName(f)!)))
            .Where(f => !f.Item2.StartsWith("obj", StringComparison.Ordinal) && !f.Item2.StartsWith("bin", StringComparison.Ordinal))
            .Select(f => (f.f, f.Item2 == "." ? "" : f.Item2.Replace(Path.DirectorySeparatorChar, '.'), File.ReadAllText(f.f)));
    }

    /// <summary>Pairs of rooms of which the first has a <c>using</c> of the second, with the files.</summary>
    public static IEnumerable<(string From, string To, string File)> Of(string assembly, IReadOnlyCollection<string> rooms)
        => from file in Files(assembly)
           from Match used in Using().Matches(file.Text)
           let name = used.Groups[1].Value
           where name.StartsWith(assembly + ".", StringComparison.Ordinal)
           // Of a type's name (using static, an alias) the room is the longest beginning that is one.
           let to = rooms.Where(r => $"{name}.".StartsWith($"{assembly}.{r}.", StringComparison.Ordinal)).MaxBy(r => r.Length)
           where to is not null && to != file.Room
           select (file.Room, to, Path.GetFileName(file.Path));

    /// <summary>The namespace of a file.</summary>
    public static string NamespaceOf(string text) => Space().Match(text).Groups[1].Value;

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?([\w.]+)(?:<.*>)?;", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Space();
}
