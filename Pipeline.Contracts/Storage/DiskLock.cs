using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// An advisory lock on a file, which the system frees when the process dies. A file next to it names the holder. The lock file itself is never deleted,
/// because two processes could then lock two files of the same name.
/// </summary>
internal sealed class DiskLock : IDisposable
{
    private const int NameAttempts = 20;

    private readonly FileStream _file;
    private readonly string _ownerPath;

    private DiskLock(FileStream file, string ownerPath)
    {
        _file = file;
        _ownerPath = ownerPath;
    }

    public static DiskLock Take(string path)
    {
        FileStream? file = null;
        string ownerPath = LockOwner.PathOf(path);
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            File.WriteAllText(ownerPath, ProcessIdentity.Current.ToString());
            return new DiskLock(file, ownerPath);
        }
        catch (IOException e) when (file is null && e is not (FileNotFoundException or DirectoryNotFoundException) && !StorageErrors.IsDiskFull(e))
        {
            throw new LockedException($"{Path.GetDirectoryName(path)} is in use by {HolderName(ownerPath)}; wait until it ends, or stop it", e);
        }
        catch (Exception e) when (StorageErrors.IsSystemError(e))
        {
            file?.Dispose();
            throw StorageErrors.Translate("lock", path, e);
        }
    }

    public void Dispose()
    {
        // The name is deleted while the lock is still held; afterwards it could already be the next holder's. If it stays, that holder overwrites it.
        if (_file.CanRead && File.Exists(_ownerPath))
            File.Delete(_ownerPath);
        _file.Dispose();
    }

    // A holder writes its name after it has locked, so the name may appear a moment later.
    private static string HolderName(string ownerPath)
    {
        for (int attempt = 0; attempt < NameAttempts; attempt++)
        {
            try
            {
                if (ProcessIdentity.Parse(File.ReadAllText(ownerPath)) is { } holder && holder.MayRun())
                    return string.Create(CultureInfo.InvariantCulture, $"process {holder.ProcessId} on {holder.Machine} (started at tick {holder.Start})");
            }
            catch (Exception e) when (StorageErrors.IsSystemError(e))
            {
                // The name is not written yet, or is being replaced.
            }
            Thread.Sleep(10);
        }
        return "another process";
    }
}
