using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// Names of files and folders that are not committed: <c>.staging-MACHINE-PROCESS-START-NUMBER-NAME</c>, next to what they will become,
/// because rename(2) does not cross devices. The process is in the name so that what a dead process left can be told from work in progress.
/// </summary>
public static class Staging
{
    public const string Prefix = ".staging-";

    /// <summary>A process on another machine that has written nothing for this long is assumed to be dead; work that takes longer must show that it is alive.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromMinutes(10);

    private static long _lastNumber;

    /// <summary>A name that no other process or call gets.</summary>
    public static string PathFor(IStorage storage, string path)
    {
        long number = Interlocked.Increment(ref _lastNumber);
        return Path.Combine(
            Path.GetDirectoryName(path) ?? throw new ArgumentException($"{path} has no folder", nameof(path)),
            string.Create(CultureInfo.InvariantCulture, $"{Prefix}{storage.Process}-{number}-{Path.GetFileName(path)}"));
    }

    public static bool IsStaging(string path) => Path.GetFileName(path).StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The process that made it; null if the name is not one of this program's.</summary>
    public static ProcessIdentity? OwnerOf(string path)
        => Parts(path) is { } parts ? ProcessIdentity.Parse(string.Join('-', parts[..3])) : null;

    /// <summary>The name it will get; null if the name is not one of this program's.</summary>
    public static string? TargetOf(string path) => Parts(path)?[4];

    /// <summary>
    /// Deletes what dead processes left below a folder, and returns its paths. The caller holds the folder's lock, but others may do parts of
    /// its work: on this machine the system knows which processes live; a process on another machine is assumed to be dead when nothing of its own
    /// below the folder was written for <see cref="Silence"/>.
    /// </summary>
    public static IReadOnlyList<string> CleanDead(IStorage storage, string folder)
    {
        List<string> entries = [.. Entries(storage, folder)];
        HashSet<ProcessIdentity> living = [.. entries.Where(e => IsAtWork(storage, e)).Select(e => OwnerOf(e)!.Value)];
        return Delete(storage, entries.Where(e => OwnerOf(e) is not { } owner || !living.Contains(owner)));
    }

    /// <summary>Deletes what these processes left below a folder, and returns its paths.</summary>
    public static IReadOnlyList<string> CleanOf(IStorage storage, string folder, IReadOnlySet<ProcessIdentity> owners)
        => Delete(storage, Entries(storage, folder).Where(e => OwnerOf(e) is { } owner && owners.Contains(owner)).ToList());

    /// <summary>Deletes what dead processes left of one file, for commands that have no run folder and no lock.</summary>
    public static void CleanLeft(IStorage storage, string path)
        => Delete(storage, storage.List(Path.GetDirectoryName(path)!).Where(e => IsStaging(e) && TargetOf(e) == Path.GetFileName(path) && !IsAtWork(storage, e)).ToList());

    /// <summary>Whether whoever made a staging entry may still be at work, as far as this entry tells.</summary>
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

    /// <summary>Writes a file in one step: staging name, fsync, rename, fsync of the folder. Readers see the old file or the new one.</summary>
    /// <exception cref="StorageException">The system refuses; the old file, if any, is untouched.</exception>
    public static void WriteAtomically(this IStorage storage, string path, Action<Stream> write)
    {
        using var file = new StagedFile(storage, path);
        write(file.Stream);
        file.Commit();
    }
}
