namespace Pipeline.Contracts.Storage;

/// <summary>The name that the holder of a lock leaves in a file next to it.</summary>
public static class LockOwner
{
    private const int MostBytes = 1024;

    /// <summary>The file next to a lock file.</summary>
    public static string PathOf(string lockPath) => lockPath + ".owner";

    /// <summary>The process that took the lock last and did not release it; null if there is none. That process may be dead.</summary>
    public static ProcessIdentity? Read(IStorage storage, string lockPath)
    {
        ArgumentNullException.ThrowIfNull(storage);
        string path = PathOf(lockPath);
        try
        {
            if (!storage.FileExists(path) || storage.Length(path) > MostBytes)
                return null;
            using var reader = new StreamReader(storage.OpenRead(path));
            return ProcessIdentity.Parse(reader.ReadToEnd());
        }
        catch (Errors.StorageException)
        {
            // It was released in the meantime.
            return null;
        }
    }
}
