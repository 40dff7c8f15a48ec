using System.Text.Unicode;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Plain files of bytes that are not UTF-8, every one in the shared folder <c>cases</c>: rejected by that reason, not mended in silence.</summary>
public sealed class PlainTextCaseTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Bytes_that_are_not_UTF_8_are_a_reject_with_that_reason()
    {
        if (SharedFolder.Below("cases", output) is not { } cases)
            return;
        foreach (string file in Directory.GetDirectories(cases, "F06-*").SelectMany(folder => Directory.GetFiles(folder, "*.txt")).Where(f => !Utf8.IsValid(File.ReadAllBytes(f))))
        {
            AlmAnswer answer = await Alm.RunAsync(["inspect", "pair", Path.Combine(Repository.Root, "data", "models", "tiny-llama"), "bytes", "--text", file]);
            Assert.Contains("1 rejected: text is not UTF-8", answer.Error, StringComparison.Ordinal);
        }
    }
}
