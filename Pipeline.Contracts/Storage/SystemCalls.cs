using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.Contracts.Storage;

/// <summary>What System.IO does not offer: fsync of a folder, and a rename(2) that never copies across devices and takes folders too.</summary>
internal static class SystemCalls
{
    // O_RDONLY | O_CLOEXEC: a child process must not inherit the descriptor.
    private const int ReadOnlyCloseOnExec = 0x80000;

    /// <summary>Renames a file or folder. A file replaces its target.</summary>
    /// <exception cref="IOException">The system refuses; its errno is the <see cref="Exception.HResult"/>.</exception>
    public static void Rename(string from, string to)
    {
        if (OperatingSystem.IsWindows())
            RenameOnWindows(from, to);
        else if (NativeRename(Utf8(from), Utf8(to)) != 0)
            throw LastError();
    }

    /// <summary>Brings the entries of a folder to the device. Does nothing on Windows.</summary>
    /// <exception cref="IOException">The system refuses; its errno is the <see cref="Exception.HResult"/>.</exception>
    public static void SyncDirectory(string path)
    {
        // NTFS keeps a journal of its folders, and there is no handle to flush.
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = NativeOpen(Utf8(path), OperatingSystem.IsLinux() ? ReadOnlyCloseOnExec : 0);
        if (descriptor < 0)
            throw LastError();
        try
        {
            if (NativeSync(descriptor) != 0)
                throw LastError();
        }
        finally
        {
            _ = NativeClose(descriptor);
        }
    }

    private static void RenameOnWindows(string from, string to)
    {
        if (Directory.Exists(from))
            Directory.Move(from, to);
        else
            File.Move(from, to, overwrite: true);
    }

    private static byte[] Utf8(string path) => Encoding.UTF8.GetBytes(path + '\0');

    private static IOException LastError()
    {
        int errno = Marshal.GetLastPInvokeError();
        return new IOException(new Win32Exception(errno).Message, errno);
    }

    [DllImport("libc", EntryPoint = "rename", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeRename(byte[] from, byte[] to);

    // The third argument of open is left out: the system reads it only when a file is created, which these flags never do.
    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeOpen(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeSync(int descriptor);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeClose(int descriptor);
}
