using System.Globalization;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Commands that have no run folder leave nothing half written, however they are ended.</summary>
public sealed class InterruptedCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Score_that_is_ended_by_a_signal_takes_its_staging_file_with_it(string signal)
    {
        // A child of a process that ignores SIGINT does so too.
        if (signal == "INT" && AlmProcess.InterruptIsIgnored)
            return;
        string input = _folder.Write("in.jsonl", string.Concat(Enumerable.Repeat("{\"text\": \"" + new string('a', 400) + "\"}\n", 20_000)));
        Directory.CreateDirectory(_folder["out"]);
        using AlmProcess process = AlmProcess.Real(
            "score", "--model", Path.Combine(Repository.Root, "data", "models", "tiny-llama"), "--input", input, "--output", Path.Combine(_folder["out"], "o.jsonl"), "--device", "cpu", "--threads", "1");
        while (Directory.GetFiles(_folder["out"]).Length == 0)
            await Task.Delay(5);
        await process.SignalAsync(signal);
        AlmAnswer answer = await process.ExitAsync();
        Assert.NotEqual(0, answer.Code);
        Assert.Empty(Directory.GetFiles(_folder["out"]));
    }

    [Fact]
    public async Task What_a_dead_process_left_of_the_same_file_goes_when_it_is_written_again()
    {
        string model = ByteModel.Save(_folder["model"], seed: 4), input = _folder.Write("in.jsonl", "{\"text\": \"one\"}\n");
        ProcessIdentity self = ProcessIdentity.Current;
        string dead = new ProcessIdentity(self.Machine, self.ProcessId, self.Start + 1).ToString();
        string left = _folder.Write(string.Create(CultureInfo.InvariantCulture, $".staging-{dead}-1-out.jsonl"), "half");
        string other = _folder.Write(string.Create(CultureInfo.InvariantCulture, $".staging-{dead}-2-other.jsonl"), "half");
        string mine = _folder.Write(string.Create(CultureInfo.InvariantCulture, $".staging-{self}-999999-out.jsonl"), "in hand");

        AlmAnswer answer = await Alm.RunAsync(["score", "--model", model, "--input", input, "--output", _folder["out.jsonl"]]);

        Assert.Equal(0, answer.Code);
        Assert.Equal((false, true, true), (File.Exists(left), File.Exists(other), File.Exists(mine)));
    }
}
