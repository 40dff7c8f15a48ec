namespace Pipeline.Contracts.Storage;

/// <summary>The name that whoever holds a lock leaves in a file beside it.</summary>
public static class LockOwner
{
    private const int MostBytes = 1024;

    /// <summary>The file beside a lock file.</summary>
    public static string PathOf(string lockPath) => lockPath + ".owner";

    /// <summary>Who took the lock last and did not give it back; null where nobody did. That process may be dead.</summary>
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
            // It was given back in between.
            return null;
        }
    }
}
