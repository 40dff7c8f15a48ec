using System.CommandLine;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Pipeline.Host.Commands;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Commands;

/// <summary>
/// The commands of README and of the guides. The fast form asks the command line whether it understands each; <c>ALM_GUIDES=run</c> runs every
/// page's, one after another, in a folder of its own, which takes minutes.
/// </summary>
public sealed partial class GuideTests
{
    public static TheoryData<string> Pages => [.. Directory.GetFiles(Path.Combine(Repository.Root, "docs", "guides"), "*.md").Append(Path.Combine(Repository.Root, "README.md")).Select(p => Path.GetRelativePath(Repository.Root, p)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Every_command_of_a_page_can_be_given_and_runs(string page)
    {
        string script = Script(page);
        Command root = AlmCommandLine.Root(new CommandEnvironment { Stages = StageTable.All });
        foreach (string line in script.Split('\n').Where(l => l.StartsWith("alm ", StringComparison.Ordinal)))
            Assert.True(root.Parse(Words(line)).Errors.Count == 0, $"{page}: {line}: {string.Join("; ", root.Parse(Words(line)).Errors.Select(e => e.Message))}");

        if (Environment.GetEnvironmentVariable("ALM_GUIDES") == "run")
            await RunAsync(page, script);
    }

    // Built is what this test is part of, and the tests are these.
    private static string Script(string page)
        => string.Concat(Block().Matches(File.ReadAllText(Path.Combine(Repository.Root, page))).Select(m => m.Groups[1].Value))
            .Replace("dotnet run --project Pipeline.Host -c Release -- ", "alm ", StringComparison.Ordinal)
            .Replace("dotnet test Alm.sln -c Release -m:1\n", "", StringComparison.Ordinal);

    // As a shell splits it, which the pages' commands are simple enough for.
    private static string[] Words(string line)
        => [.. Word().Matches(line.TrimEnd('&', ' ').Split(" & ")[0].Split(" # ")[0]).Skip(1).Select(m => m.Value.Replace("'", "", StringComparison.Ordinal).Replace("\"", "", StringComparison.Ordinal))];

    private static async Task RunAsync(string page, string script)
    {
        using var folder = new TemporaryFolder();
        foreach (string input in new[] { "data", "pipelines" })
            Directory.CreateSymbolicLink(folder[input], Path.Combine(Repository.Root, input));
        folder.Write("alm", $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "alm.dll")}' \"$@\"\n");
        var start = new ProcessStartInfo("bash", ["-e", folder.Write("page.sh", $"chmod +x alm\n{script}")]) { WorkingDirectory = folder.Path, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{folder.Path}:{Environment.GetEnvironmentVariable("PATH")}";

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.True(process.ExitCode == 0, $"{page} ended with {process.ExitCode}:\n{await output}\n{await error}");
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("""(?:'[^']*'|"[^"]*"|[^\s'"])+""")]
    private static partial Regex Word();
}
