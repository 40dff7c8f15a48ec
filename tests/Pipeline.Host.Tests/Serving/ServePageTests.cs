using System.Diagnostics;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Serving;

/// <summary>Every line with curl of <c>docs/serve.md</c> is answered.</summary>
public sealed class ServePageTests(ITestOutputHelper output)
{
    private const string Port = "http://127.0.0.1:8000";

    [Fact]
    public async Task Lines_with_curl_on_the_page_are_answered()
    {
        string[] lines = [.. (await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "docs", "serve.md"))).Where(line => line.StartsWith("curl ", StringComparison.Ordinal))];
        Assert.True(lines.Length > 5);
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Path.Combine(Repository.Root, "data", "models", "tiny-llama")}");
        foreach (string line in lines)
        {
            Assert.Contains(Port, line, StringComparison.Ordinal);
            var start = new ProcessStartInfo("sh") { RedirectStandardOutput = true };
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add(line.Replace(Port, server.Url, StringComparison.Ordinal).Replace("curl ", "curl --fail ", StringComparison.Ordinal));
            using Process curl = Process.Start(start)!;
            string answer = await curl.StandardOutput.ReadToEndAsync();
            await curl.WaitForExitAsync();
            if (curl.ExitCode == 127)
            {
                output.WriteLine("skipped: no curl");
                return;
            }
            output.WriteLine($"{line}\n{answer}");
            Assert.Equal(0, curl.ExitCode);
            Assert.True(answer.StartsWith('{') || answer.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal), answer);
        }
    }
}
