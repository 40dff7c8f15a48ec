namespace Pipeline.Contracts.Storage;

/// <summary>The name of a lock's holder, in a file next to the lock.</summary>
public static class LockOwner
{
    private const int MostBytes = 1024;

    /// <summary>The path of that file.</summary>
    public static string PathOf(string lockPath) => lockPath + ".owner";

    /// <summary>The process that took the lock and has not released it, which may be dead by now; null if there is none.</summary>
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
            // The lock was released in the meantime.
            return null;
        }
    }
}
