namespace Pipeline.Host.Tests;

/// <summary>The checkout these tests were built in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "Alm.sln")))
            at = Path.GetDirectoryName(at);
        return at ?? throw new InvalidOperationException("no Alm.sln above the tests");
    }
}
