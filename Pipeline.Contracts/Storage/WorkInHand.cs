using System.Collections.Concurrent;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// What this process has under staging names now, for a command that a signal ends in the middle of its work: nothing of it may be left. Safe
/// from any thread.
/// </summary>
public static class WorkInHand
{
    private static readonly ConcurrentDictionary<string, IStorage> s_paths = new(StringComparer.Ordinal);

    public static void Add(IStorage storage, string path) => s_paths[path] = storage;

    public static void Remove(string path) => s_paths.TryRemove(path, out _);

    /// <summary>Deletes all of it; what cannot be deleted stays, since nobody is left to be told.</summary>
    public static void DeleteAll()
    {
        foreach ((string path, IStorage storage) in s_paths)
        {
            try
            {
                if (storage.DirectoryExists(path))
                    storage.DeleteDirectory(path);
                else
                    storage.DeleteFile(path);
            }
            catch (Errors.StorageException)
            {
                // The next command that writes the same file deletes what is left.
            }
        }
    }
}
