using System.Text.RegularExpressions;

namespace Pipeline.Host.Tests.Extending;

/// <summary>The code on pages is code that is compiled: each block says its file, and is that file.</summary>
public sealed partial class PageTests
{
    [Fact]
    public void Code_on_the_page_is_the_file_that_it_names()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "extending.md"));
        MatchCollection blocks = Block().Matches(page);
        Assert.Equal(page.Split("```csharp").Length - 1, blocks.Count);
        foreach (Match block in blocks)
            Assert.Equal(File.ReadAllText(Path.Combine(Repository.Root, block.Groups["file"].Value)).TrimEnd('\n'), block.Groups["code"].Value);
    }

    [GeneratedRegex(@"`(?<file>tests/[^`]+\.cs)`:\n\n```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
