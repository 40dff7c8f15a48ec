using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Serving;

/// <summary>
/// OpenAI's client for JavaScript, which nobody here wrote, lists models, completes and chats, whole and streamed. It is installed beside
/// these tests the first time; where there is no node, or the package cannot be had, the test says so and is left out.
/// </summary>
public sealed class OpenAiNodeTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Models_are_listed_and_completions_and_chats_are_the_same_whole_and_streamed()
    {
        string package = Path.Combine(AppContext.BaseDirectory, "Serving", "openai-npm");
        bool isThere = File.Exists(Path.Combine(package, "node_modules", "openai", "package.json"));
        if (!isThere && await RunAsync(package, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000") is not { Code: 0 } and var installed)
        {
            output.WriteLine($"skipped: the package openai cannot be installed; npm said {installed?.ToString() ?? "nothing, it is not there"}");
            return;
        }
        string model = ChatFolder.Make(_folder["teacher"]);
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={model}", "--api-key", "a-key");
        if (await RunAsync(package, "node", "ask.mjs", server.Url + "/v1", "a-key", "teacher") is not { } ended)
        {
            output.WriteLine("skipped: there is no node");
            return;
        }
        Assert.True(ended.Code == 0, ended.ToString());
        JsonNode said = JsonNode.Parse(ended.Output)!;

        Assert.Equal("teacher", (string)Assert.Single(said["models"]!.AsArray())!);
        JsonNode completion = said["completion"]!["choices"]![0]!, chat = said["chat"]!["choices"]![0]!;
        string completed = (string)completion["text"]!, answered = (string)chat["message"]!["content"]!;
        Assert.NotEmpty(completed);
        Assert.Equal(completed, (string)said["completionStreamed"]!);
        Assert.Equal((int)said["completion"]!["usage"]!["completion_tokens"]!, completion["logprobs"]!["tokens"]!.AsArray().Count);
        Assert.NotEmpty(answered);
        Assert.Equal(answered, (string)said["chatStreamed"]!);
        Assert.Equal(answered, (string)said["gathered"]!);
        Assert.Equal((int)said["chat"]!["usage"]!["completion_tokens"]!, (int)said["usage"]!["completion_tokens"]!);
        Assert.Equal(("NotFoundError", 404, "model_not_found"), ((string)said["error"]!["name"]!, (int)said["error"]!["status"]!, (string)said["error"]!["code"]!));
        // As alm generate goes on from the same prompt.
        AlmAnswer generated = await Alm.RunAsync(["generate", "--model", model, "--prompt", "Tom has 3 apples and", "--max-tokens", "12", "--greedy"]);
        Assert.Equal(generated.Output.TrimEnd('\n'), completed.TrimEnd('\n'));
        Assert.Equal("", server.Error);
    }

    // Null where the program is not there.
    private static async Task<Ended?> RunAsync(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> said = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return new Ended(process.ExitCode, await said, await errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private sealed record Ended(int Code, string Output, string Error);
}
