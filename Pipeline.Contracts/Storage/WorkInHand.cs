using System.Collections.Concurrent;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// The unfinished files and temporary folders of this process, for a command that a signal ends in the middle of its work: nothing of them may be left.
/// Every <see cref="StagedFile"/> is among them, and commands add folders of their own. Any thread may call it.
/// </summary>
public static class WorkInHand
{
    private static readonly ConcurrentDictionary<string, IStorage> s_paths = new(StringComparer.Ordinal);

    /// <summary>Adds a file or folder.</summary>
    public static void Add(IStorage storage, string path) => s_paths[path] = storage;

    /// <summary>Takes out a file or folder that is finished or deleted.</summary>
    public static void Remove(string path) => s_paths.TryRemove(path, out _);

    /// <summary>Deletes all of them. What cannot be deleted stays without an error, because nobody is left to be told.</summary>
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
