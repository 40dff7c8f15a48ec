using Xunit.Abstractions;

namespace Pipeline.Host.Tests;

/// <summary>
/// Reference files too large, or not ours, to be part of the repository. Tests that use them pass with a note where they are not there.
/// </summary>
internal static class SharedFolder
{
    /// <summary>A path below ALM_SHARED, else below the folder <c>shared</c> beside the repository; null, said to the test's output, where it does not exist.</summary>
    public static string? Below(string relative, ITestOutputHelper output)
    {
        string root = Environment.GetEnvironmentVariable("ALM_SHARED") is { Length: > 0 } given
            ? given
            : Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared"));
        string path = Path.Combine(root, relative);
        if (Directory.Exists(path))
            return path;
        output.WriteLine($"skipped: no shared folder with {relative}");
        return null;
    }
}
