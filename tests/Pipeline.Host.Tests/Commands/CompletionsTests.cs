using System.Diagnostics;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Tests.Commands;

/// <summary>What a shell is told to offer, by alm itself and by the script for bash in a real bash.</summary>
public sealed class CompletionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("alm wa", "watch")]
    [InlineData("alm completions ", "powershell")]
    [InlineData("alm run --pl", "--plain")]
    [InlineData("alm generate --device c", "cuda")]
    public async Task Alm_says_what_may_come(string line, string expected)
    {
        AlmAnswer answer = await Alm.RunAsync([$"[suggest:{line.Length}]", line]);
        Assert.Contains(expected, answer.Output.Split('\n').Select(l => l.Trim()));
    }

    [Theory]
    [InlineData("alm wa", "watch")]
    [InlineData("alm generate --device c", "cpu cuda")]
    [InlineData("alm completions ", "bash powershell zsh")]
    [InlineData("alm run ", "")]
    [InlineData("alm run --pl", "--plain")]
    public async Task Bash_offers_it(string line, string expected)
    {
        string script = _folder.Write("alm.bash", (await Alm.RunAsync(["completions", "bash"])).Output);
        // The word alm of a terminal is the program; here it is a function that runs the one under test.
        string alm = $"alm() {{ dotnet {Path.Combine(AppContext.BaseDirectory, "alm.dll")} \"$@\"; }}";
        string words = string.Join(' ', line.Split(' ').Select(w => $"'{w}'"));
        using Process bash = Process.Start(new ProcessStartInfo("bash", ["-c", $"{alm}; . {script}; COMP_LINE='{line}' COMP_POINT={line.Length} COMP_WORDS=({words}) COMP_CWORD={line.Count(c => c == ' ')}; _alm; echo \"${{COMPREPLY[@]}}\""]) { RedirectStandardOutput = true })!;
        string offered = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();

        Assert.Equal(expected, string.Join(' ', offered.Trim().Split(' ').Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Every_shell_has_a_script_and_others_are_refused()
    {
        foreach (string shell in new[] { "bash", "zsh", "powershell" })
            Assert.Contains("[suggest:", (await Alm.RunAsync(["completions", shell])).Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, (await Alm.RunAsync(["completions", "tcsh"])).Code);
    }
}
