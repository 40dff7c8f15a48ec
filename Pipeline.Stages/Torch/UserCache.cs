using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>
/// A folder of the user's own for files that are made once and kept. It is below XDG_CACHE_HOME, otherwise below the home folder, otherwise below the
/// temporary folder.
/// </summary>
internal static class UserCache
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const string Name = "alm";

    /// <summary>The full path of the folder, which exists and can be written to.</summary>
    /// <exception cref="StorageException">There is no such folder.</exception>
    public static string Folder()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache))
            return TryCreate(Path.Combine(cache, Name), out string? why) ?? throw new StorageException($"XDG_CACHE_HOME is {cache}, where no folder can be made ({why}); set it to a writable folder");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (home.Length > 0 && TryCreate(Path.Combine(home, ".cache", Name), out _) is { } folder)
            return folder;
        // A user without a home folder, as in services and containers. Others on the machine could create a folder of this name first, so it must not
        // be accessible to anyone else.
        string temporary = Path.Combine(Path.GetTempPath(), $"{Name}-{Environment.UserName}");
        return TryCreate(temporary, out string? reason) is { } made && (OperatingSystem.IsWindows() || File.GetUnixFileMode(made) == OwnerOnly)
            ? made
            : throw new StorageException($"there is no home folder to keep files in, and {temporary} is not private to this user{(reason is null ? "" : $" ({reason})")}; set XDG_CACHE_HOME to a writable folder");
    }

    private static string? TryCreate(string folder, out string? why)
    {
        why = null;
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, OwnerOnly);
            string probe = Path.Combine(folder, Path.GetRandomFileName());
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            why = e.Message;
            return null;
        }
    }
}
