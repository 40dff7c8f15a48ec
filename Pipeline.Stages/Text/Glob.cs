using System.IO.Enumeration;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>Finds files by patterns: <c>*</c> and <c>?</c> stand for characters of a name, <c>**</c> for any folders. Results are in ordinal order.</summary>
internal static class Glob
{
    public static bool IsPattern(string path) => path.AsSpan().ContainsAny('*', '?');

    /// <summary>The files that match a full path with wildcards.</summary>
    public static IReadOnlyList<string> Expand(IStorage storage, string pattern)
    {
        string[] names = pattern.Split('/', StringSplitOptions.RemoveEmptyEntries);
        int literal = Array.FindIndex(names, IsPattern);
        if (literal < 0)
            return storage.FileExists(pattern) ? [pattern] : [];
        var found = new SortedSet<string>(StringComparer.Ordinal);
        Walk(storage, "/" + string.Join('/', names[..literal]), names.AsSpan(literal), found);
        return [.. found];
    }

    private static void Walk(IStorage storage, string folder, ReadOnlySpan<string> names, SortedSet<string> found)
    {
        bool isAnyDepth = names[0] == "**";
        if (isAnyDepth && names.Length > 1)
            Walk(storage, folder, names[1..], found);
        foreach (string entry in storage.List(folder))
        {
            bool isFolder = storage.DirectoryExists(entry);
            if (isAnyDepth)
            {
                if (isFolder)
                    Walk(storage, entry, names, found);
                else if (names.Length == 1)
                    found.Add(entry);
            }
            else if (FileSystemName.MatchesSimpleExpression(names[0], Path.GetFileName(entry), ignoreCase: false))
            {
                if (names.Length == 1 && !isFolder)
                    found.Add(entry);
                else if (names.Length > 1 && isFolder)
                    Walk(storage, entry, names[1..], found);
            }
        }
    }
}
