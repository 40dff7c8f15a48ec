using Xunit.Abstractions;

namespace Pipeline.Stages.Tests;

/// <summary>
/// Reference files too large, or not ours, to be part of the repository. Tests that use them pass with a note where they are not there.
/// </summary>
internal static class SharedFolder
{
    /// <summary>ALM_SHARED, else the folder <c>shared</c> beside the repository; null where there is none.</summary>
    public static string? Path { get; } = Find();

    /// <summary>A path below the folder; null, said to the test's output, where it does not exist.</summary>
    public static string? Below(string relative, ITestOutputHelper output)
    {
        string? path = Path is null ? null : System.IO.Path.Combine(Path, relative);
        if (path is not null && (File.Exists(path) || Directory.Exists(path)))
            return path;
        output.WriteLine(Path is null ? "skipped: no shared folder" : $"skipped: the shared folder has no {relative}");
        return null;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("ALM_SHARED") is { Length: > 0 } given)
            return Directory.Exists(given) ? given : null;
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            if (!File.Exists(System.IO.Path.Combine(folder, "Alm.sln")))
                continue;
            string shared = System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, "..", "shared"));
            return Directory.Exists(shared) ? shared : null;
        }
        return null;
    }
}
