using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Tests.Commands;

/// <summary>What only a process of its own shows: locks, signals, kills, exit codes.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    [Fact]
    public async Task A_second_run_is_locked_out_by_name_and_after_a_kill_the_next_goes_on()
    {
        string definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 400, "pause": 10 }, { "stage": "write-parts", "count": 40 }"""));
        using AlmProcess first = AlmProcess.WithTestStages("run", definition, "--run", Run);
        await first.UntilAsync(Path.Combine(Run, "part-1.txt"));

        long start = Stopwatch.GetTimestamp();
        AlmAnswer inProcess = await Alm.RunAsync(["run", definition, "--run", Run]);
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        using AlmProcess second = AlmProcess.WithTestStages("run", definition, "--run", Run);
        AlmAnswer locked = await second.ExitAsync();
        first.Kill();
        AlmAnswer killed = await first.ExitAsync();
        AlmAnswer next = await Alm.RunAsync(["run", definition, "--run", Run, "--plain"]);

        Assert.Equal(ExitCodes.Locked, inProcess.Code);
        Assert.Equal(ExitCodes.Locked, locked.Code);
        Assert.Contains($"process {first.Id.ToString(CultureInfo.InvariantCulture)}", locked.Error, StringComparison.Ordinal);
        // The promise is a second; it looks for the holder's name at most a fifth of one.
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.NotEqual(0, killed.Code);
        Assert.Equal(0, next.Code);
        Assert.Equal(40, Directory.GetFiles(Run, "part-*.txt").Length);
        Assert.Empty(Directory.GetFiles(Run, ".staging*"));
        Assert.DoesNotContain("part 1 of 40 is committed", next.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_stops_at_the_next_step_with_a_word_on_how_to_go_on(string signal)
    {
        // A shell's background job, and so this program and its children, begins with SIGINT ignored: alm then rightly takes no notice of it.
        if (signal == "INT" && AlmProcess.InterruptIsIgnored)
            return;
        string definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 100000, "pause": 1 }, { "stage": "train", "steps": 100000 }"""));
        using AlmProcess process = AlmProcess.WithTestStages("run", definition, "--run", Run);
        await process.UntilAsync(Path.Combine(Run, "metrics.jsonl"));

        await process.SignalAsync(signal);
        AlmAnswer answer = await process.ExitAsync();

        Assert.Equal(ExitCodes.Interrupted, answer.Code);
        Assert.Contains("stopping at the next safe point", answer.Output, StringComparison.Ordinal);
        Assert.Contains("run the same command again", answer.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Run, "checkpoint.txt")));
    }

    [Fact]
    public async Task The_real_command_answers_version_help_and_errors()
    {
        string definition = _folder.Write("d.json", """{ "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-parket" } ] } ] }""");
        using AlmProcess versionProcess = AlmProcess.Real("--version");
        using AlmProcess helpProcess = AlmProcess.Real("run", "--help");
        using AlmProcess wrongProcess = AlmProcess.Real("run", definition, "--run", Run);
        using AlmProcess usageProcess = AlmProcess.Real("run");

        AlmAnswer version = await versionProcess.ExitAsync();
        AlmAnswer help = await helpProcess.ExitAsync();
        AlmAnswer wrong = await wrongProcess.ExitAsync();
        AlmAnswer usage = await usageProcess.ExitAsync();

        Assert.Equal(0, version.Code);
        Assert.Matches(@"^\d+\.\d+\.\d+", version.Output);
        Assert.Equal(0, help.Code);
        foreach (string option in new[] { "--set", "--run", "--parallel", "--plain", "--libtorch" })
            Assert.Contains(option, help.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, wrong.Code);
        Assert.Contains("unknown stage 'read-parket'", wrong.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Run));
        Assert.Equal(ExitCodes.Definition, usage.Code);
        Assert.Contains("alm run --help", usage.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_libtorch_is_the_only_one_in_the_process()
    {
        string shipped = Path.Combine(AppContext.BaseDirectory, "libtorch");
        if (!Directory.Exists(shipped))
            return;
        string other = _folder["other"];
        Directory.CreateDirectory(other);
        // A copy and no link: the system would know a link for the same library.
        foreach (string name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so", "libgomp-98b21ff3.so.1" })
            File.Copy(Path.Combine(shipped, name), Path.Combine(other, name));
        File.WriteAllText(Path.Combine(other, "build-version"), "2.10.0+other");
        string[] arguments = ["generate", "--model", Path.Combine(Repository.Root, "data", "models", "tiny-llama"), "--prompt", "Ann has", "--max-tokens", "4", "--device", "cpu"];
        using AlmProcess ownProcess = AlmProcess.Real(arguments), otherProcess = AlmProcess.Real([.. arguments, "--libtorch", other]);

        AlmAnswer own = await ownProcess.ExitAsync();
        AlmAnswer with = await otherProcess.ExitAsync();

        Assert.Equal((0, own.Output), (with.Code, with.Output));
        Assert.NotEqual("", own.Output.Trim());
    }
}
