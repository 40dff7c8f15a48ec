using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Commands;

/// <summary>
/// The commands of README and of the guides. The fast form asks the command line whether it understands each, those for real models included;
/// <c>ALM_GUIDES=run</c> runs what runs on the tiny models, a page's commands one after another in a folder of its own, which takes minutes.
/// </summary>
public sealed partial class GuideTests
{
    public static TheoryData<string> Pages => [.. Directory.GetFiles(Path.Combine(Repository.Root, "docs", "guides"), "*.md").Append(Path.Combine(Repository.Root, "README.md")).Select(p => Path.GetRelativePath(Repository.Root, p)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Every_command_of_a_page_can_be_given_and_runs(string page)
    {
        string script = Script(page, Block());
        Command root = AlmCommandLine.Root(new CommandEnvironment { Stages = StageTable.All });
        string all = (script + Script(page, RealBlock())).Replace("\\\n", "", StringComparison.Ordinal);
        foreach (string line in all.Split('\n').Where(l => l.StartsWith("alm ", StringComparison.Ordinal)))
            Assert.True(root.Parse(Words(line)).Errors.Count == 0, $"{page}: {line}: {string.Join("; ", root.Parse(Words(line)).Errors.Select(e => e.Message))}");

        if (Environment.GetEnvironmentVariable("ALM_GUIDES") == "run")
            await RunAsync(page, script);
    }

    [Fact]
    public void The_definition_in_the_readme_has_no_errors()
    {
        string definition = Definition().Match(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Groups[1].Value;
        Assert.Equal("my-run", new DefinitionLoader(new StageCatalog(StageTable.All), new DiskStorage()).Parse("README.md", Encoding.UTF8.GetBytes(definition)).Definition.Name);
    }

    // Built is what this test is part of, and the tests are these.
    private static string Script(string page, Regex block)
        => string.Concat(block.Matches(File.ReadAllText(Path.Combine(Repository.Root, page))).Select(m => m.Groups[1].Value))
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

    [GeneratedRegex("```jsonc\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Definition();

    // Commands that need models which are not here.
    [GeneratedRegex("```text\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex RealBlock();

    [GeneratedRegex("""(?:'[^']*'|"[^"]*"|[^\s'"])+""")]
    private static partial Regex Word();
}
