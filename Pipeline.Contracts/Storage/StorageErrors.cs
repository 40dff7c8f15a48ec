using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Storage;

/// <summary>Turns what the system says about a file into an error that a person can act on.</summary>
public static class StorageErrors
{
    /// <summary>ENOSPC, as .NET reports it on Unix.</summary>
    public const int DiskFull = 0x1C;

    private const int WindowsDiskFull = unchecked((int)0x80070070);

    private const int QuotaExceeded = 122;

    /// <summary>Whether the system refused because there is no space left, or because a quota is used up.</summary>
    public static bool IsDiskFull(Exception exception)
        => exception is IOException && exception.HResult is DiskFull or WindowsDiskFull or QuotaExceeded;

    /// <summary>Whether an exception comes from the file system and not from the program.</summary>
    public static bool IsSystemError(Exception exception) => exception is IOException or UnauthorizedAccessException;

    /// <summary>The error to report.</summary>
    /// <param name="operation">A verb: "write", "rename".</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="exception">What the system said.</param>
    /// <param name="bytes">How far in the file it happened; null if that means nothing.</param>
    public static StorageException Translate(string operation, string path, Exception exception, long? bytes = null)
    {
        string where = bytes is null ? path : string.Create(CultureInfo.InvariantCulture, $"{path} at byte {bytes}");
        return IsDiskFull(exception)
            ? new StorageException($"cannot {operation} {where}: no space is left on the device; free some and run the same command again", exception)
            : new StorageException($"cannot {operation} {where}: {exception.Message}", exception);
    }
}
