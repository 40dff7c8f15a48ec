namespace Pipeline.Stages.Tests;

/// <summary>
/// Reference files that are not part of the repository: <c>ALM_SHARED</c>, else <c>shared/</c> beside the repository's root. A test
/// that needs them says so and passes when they are not there.
/// </summary>
internal static class SharedFolder
{
    public static string? Path { get; } = Find();

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("ALM_SHARED") is { Length: > 0 } named)
            return Directory.Exists(named) ? named : null;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(System.IO.Path.Combine(folder.FullName, "Alm.sln")))
                continue;
            string candidate = System.IO.Path.GetFullPath(System.IO.Path.Combine(folder.FullName, "..", "shared"));
            return Directory.Exists(candidate) ? candidate : null;
        }
        return null;
    }
}
