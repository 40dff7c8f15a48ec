using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Storage;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 3, over a whole run: scoring, training, checkpoints, export, logs and report.</summary>
public sealed class FailingRunTests(TinyJob job, ITestOutputHelper output) : IClassFixture<TinyJob>
{
    // Three checkpoints, so that one leaves; as little else as possible, because the run is made hundreds of times.
    private string Definition() => job.Write("failing.json", job.Text(steps: 6, checkpointEvery: 2, shards: 2, corpus: job.WriteCorpus("failing.jsonl", 24)));

    [Fact]
    public void Whichever_call_fails_a_run_ends_with_one_named_error_and_the_next_with_the_clean_bytes()
    {
        string definition = Definition();
        var counting = new FaultyDisk();
        string clean = job.NewFolder("counted");
        AlmEnd end = InProcess.Run(counting, TinyJob.Arguments(definition, clean));
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        SortedDictionary<string, string> expected = TinyJob.Results(clean);

        int calls = counting.Calls;
        int tried = Math.Min(calls, FaultCounts.Of(12, int.MaxValue));
        int failed = 0;
        for (int i = 0; i < tried; i++)
        {
            // Every call in the full form, else spread evenly; neighbours differ in kind, so that every kind sees every part of the run.
            int n = (int)((long)i * calls / tried);
            FaultKind kind = (i % 3) switch { 0 => FaultKind.InputOutputError, 1 => FaultKind.NoSpace, _ => FaultKind.Kill };
            string folder = job.NewFolder("failing");
            string met = "none";
            bool dead = false;
            var storage = new FaultyDisk
            {
                Before = call =>
                {
                    if (Volatile.Read(ref dead))
                        throw new KilledException();
                    if (call.Number != n)
                        return;
                    met = $"{call.Operation} of {call.Path}";
                    Volatile.Write(ref dead, kind == FaultKind.Kill);
                    throw kind switch
                    {
                        FaultKind.Kill => new KilledException(),
                        FaultKind.InputOutputError => StorageErrors.Translate(call.Operation, call.Path, new IOException("Input/output error", 5)),
                        _ => StorageErrors.Translate(call.Operation, call.Path, new IOException("No space left on device", StorageErrors.DiskFull)),
                    };
                },
            };
            AlmEnd first = InProcess.Run(storage, TinyJob.Arguments(definition, folder));
            string what = $"call {n} of {calls} ({kind}): {met}";
            // A kill is no error that anybody has a code for; what counts is that the run ended and what it left.
            if (kind != FaultKind.Kill && first.Code != ExitCodes.Success)
            {
                failed++;
                Assert.True(first.Code is ExitCodes.Storage or ExitCodes.Input, $"{what}: {first}");
                Assert.Contains("/", first.Error, StringComparison.Ordinal);
            }
            AlmEnd next = InProcess.Run(TinyJob.Arguments(definition, folder));
            Assert.True(next.Code == ExitCodes.Success, $"{what}: first {first}\nthen {next}");
            TinyJob.AssertSame(expected, folder, what);
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{tried} of {calls} calls, {failed} of them ended the run with a named error");
        Assert.True(failed > tried / 4);
    }

    [Theory]
    [InlineData("create", "/checkpoints/")]
    [InlineData("rename", "/checkpoints/")]
    [InlineData("delete folder", "/checkpoints/")]
    [InlineData("write", "/student/")]
    [InlineData("write", "metrics.jsonl")]
    [InlineData("map", "model.safetensors")]
    [InlineData("sync", ".alm")]
    [InlineData("sync folder", "/parts/")]
    [InlineData("write", "report.json")]
    public void A_disk_that_always_refuses_one_thing_ends_the_run_and_never_hangs(string operation, string where)
    {
        string definition = Definition();
        string folder = job.NewFolder("refusing");
        int refused = 0;
        var storage = new FaultyDisk
        {
            Before = call =>
            {
                if (call.Operation != operation || !call.Path.Contains(where, StringComparison.Ordinal))
                    return;
                Interlocked.Increment(ref refused);
                throw StorageErrors.Translate(operation, call.Path, new IOException("Input/output error", 5));
            },
        };
        AlmEnd end = InProcess.Run(storage, TinyJob.Arguments(definition, folder));
        Assert.True(end.Code == ExitCodes.Storage, end.ToString());
        Assert.Contains(where, end.Error, StringComparison.Ordinal);
        Assert.True(refused > 0);
    }
}
