using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// The names of files and folders that are not committed yet: <c>.staging-MACHINE-PROCESS-START-NUMBER-NAME</c>. They are next to what they will
/// become, because rename(2) does not work across devices. The process is part of the name, so that what a dead process left behind can be told from
/// work in progress.
/// </summary>
public static class Staging
{
    /// <summary>What every such name begins with.</summary>
    public const string Prefix = ".staging-";

    /// <summary>
    /// A process on another machine is assumed to be dead if it has written nothing for this long. Work that may take longer must show signs of life.
    /// </summary>
    public static readonly TimeSpan Silence = TimeSpan.FromMinutes(10);

    private static long _lastNumber;

    /// <summary>A staging path for something that will be at a path. No other process or call gets the same one.</summary>
    public static string PathFor(IStorage storage, string path)
    {
        long number = Interlocked.Increment(ref _lastNumber);
        return Path.Combine(
            Path.GetDirectoryName(path) ?? throw new ArgumentException($"{path} has no folder", nameof(path)),
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{storage.Process}-{number}-{Path.GetFileName(path)}"));
    }

    /// <summary>Whether a file or folder has a staging name.</summary>
    public static bool IsStaging(string path) => Path.GetFileName(path).StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The process that made a file or folder; null if its name is not a staging name in the form above.</summary>
    public static ProcessIdentity? OwnerOf(string path)
        => Parts(path) is { } parts ? ProcessIdentity.Parse(string.Join('-', parts[..3])) : null;

    /// <summary>The name that a file or folder will get; null if its name is not a staging name in the form above.</summary>
    public static string? TargetOf(string path) => Parts(path)?[4];

    /// <summary>Deletes what dead processes left below a folder, together with staging names that name no process.</summary>
    /// <returns>The paths that were deleted.</returns>
    /// <remarks>
    /// The caller holds the folder's lock, but other processes may do parts of its work at the same time. On this machine the system knows which
    /// processes live. A process on another machine is assumed to be dead if none of its own files below the folder were written to for
    /// <see cref="Silence"/>.
    /// </remarks>
    public static IReadOnlyList<string> CleanDead(IStorage storage, string folder)
    {
        List<string> entries = [.. Entries(storage, folder)];
        HashSet<ProcessIdentity> living = [.. entries.Where(e => IsAtWork(storage, e)).Select(e => OwnerOf(e)!.Value)];
        return Delete(storage, entries.Where(e => OwnerOf(e) is not { } owner || !living.Contains(owner)));
    }

    /// <summary>Deletes what these processes left below a folder.</summary>
    /// <returns>The paths that were deleted.</returns>
    public static IReadOnlyList<string> CleanOf(IStorage storage, string folder, IReadOnlySet<ProcessIdentity> owners)
        => Delete(storage, Entries(storage, folder).Where(e => OwnerOf(e) is { } owner && owners.Contains(owner)).ToList());

    /// <summary>Deletes what dead processes left of one file. This is for commands that have no run folder and no lock.</summary>
    public static void CleanLeft(IStorage storage, string path)
        => Delete(storage, storage.List(Path.GetDirectoryName(path)!).Where(e => IsStaging(e) && TargetOf(e) == Path.GetFileName(path) && !IsAtWork(storage, e)).ToList());

    /// <summary>Whether the process that made a staging entry may still be at work, as far as this entry alone can tell.</summary>
    public static bool IsAtWork(IStorage storage, string entry)
        => OwnerOf(entry) is { } owner
            && (owner == storage.Process
                || (owner.Machine == storage.Process.Machine ? storage.MayRun(owner) : TimeProvider.System.GetUtcNow().UtcDateTime - storage.LastWritten(entry) < Silence));

    private static string[]? Parts(string path)
        => IsStaging(path) && Path.GetFileName(path)[Prefix.Length..].Split('-', 5) is { Length: 5 } parts ? parts : null;

    private static IEnumerable<string> Entries(IStorage storage, string folder)
    {
        var folders = new Stack<string>([folder]);
        while (folders.TryPop(out string? at))
        {
            foreach (string entry in storage.List(at))
            {
                if (IsStaging(entry))
                    yield return entry;
                else if (storage.DirectoryExists(entry) && !storage.IsLink(entry))
                    folders.Push(entry);
            }
        }
    }

    private static List<string> Delete(IStorage storage, IEnumerable<string> entries)
    {
        var deleted = new List<string>();
        foreach (string entry in entries)
        {
            if (storage.DirectoryExists(entry))
                storage.DeleteDirectory(entry);
            else
                storage.DeleteFile(entry);
            deleted.Add(entry);
        }
        return deleted;
    }

    /// <summary>Writes a file in one step, as <see cref="StagedFile"/> does. A reader sees either the old file or the new one.</summary>
    /// <param name="storage">Where the file is.</param>
    /// <param name="path">The full path of the file.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="StorageException">The system refuses. The old file, if there is one, is as it was.</exception>
    public static void WriteAtomically(this IStorage storage, string path, Action<Stream> write)
    {
        using var file = new StagedFile(storage, path);
        write(file.Stream);
        file.Commit();
    }
}
