using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>
/// An advisory lock that the system frees when the process dies, with the holder's name in a file next to it. The lock file stays:
/// deleting it would let two processes lock two files of one name.
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
        // The name is deleted first: later it could be the next holder's. A name that is left behind is overwritten by that holder.
        if (_file.CanRead && File.Exists(_ownerPath))
            File.Delete(_ownerPath);
        _file.Dispose();
    }

    // A holder locks first and writes its name after that; there may be a moment in between.
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
                // Not written yet, or being replaced.
            }
            Thread.Sleep(10);
        }
        return "another process";
    }
}
