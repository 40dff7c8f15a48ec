using Pipeline.Contracts.Errors;
using Pipeline.Host.Commands;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Commands;

public sealed class ReferenceTests
{
    [Fact]
    public async Task The_pages_in_docs_are_the_generated_ones()
    {
        using var folder = new TemporaryFolder();

        int code = await AlmCommandLine.InvokeAsync(["reference", folder.Path], new CommandEnvironment { Stages = StageTable.All });

        Assert.Equal(ExitCodes.Success, code);
        string docs = Path.Combine(Repository.Root, "docs", "reference");
        // To renew them: dotnet run --project Pipeline.Host -c Release -- reference docs/reference
        Assert.Equal(PagesOf(folder.Path), PagesOf(docs));
        foreach (string page in PagesOf(docs))
            Assert.Equal(File.ReadAllText(Path.Combine(folder.Path, page)), File.ReadAllText(Path.Combine(docs, page)));
    }

    private static string[] PagesOf(string folder)
        => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal)];
}
