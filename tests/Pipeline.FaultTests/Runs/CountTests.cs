using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, items 8, 9 and 13, over whole runs: nothing is lost, what is left out is named, threads change nothing.</summary>
[Collection(TinyJobTests.Name)]
public sealed class CountTests(TinyJob job, ITestOutputHelper output)
{
    [Fact]
    public void Every_stage_of_the_report_has_in_equal_to_passed_and_rejected()
    {
        string corpus = job.WriteCorpus("rejected.jsonl", 40);
        File.AppendAllText(corpus, $"{{\"text\": \"{new string('x', 5000)}\"}}\n{{\"text\": null}}\nno json\n{{\"other\": 1}}\n");
        string folder = job.NewFolder("counted");
        AlmEnd end = InProcess.Run(TinyJob.Arguments(job.Write("rejected.json", job.Text(corpus: corpus)), folder));
        Assert.True(end.Code == ExitCodes.Success, end.ToString());

        JsonNode report = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!;
        foreach (string flow in new[] { "score", "distill" })
        {
            long before = -1;
            foreach (JsonNode? stage in report["flows"]![flow]!["stages"]!.AsArray())
            {
                long Count(string name) => stage![name]!.GetValue<long>();
                string name = $"{flow}, {stage!["stage"]}";
                output.WriteLine($"{name}: {Count("in")} in, {Count("passed")} passed, {Count("rejected")} rejected, {Count("out")} out, {Count("unread")} unread");
                if (before >= 0)
                    Assert.True(before == Count("in") + Count("unread"), name);
                // Training ends when it has its steps: what the stages before it had ready then is nobody's loss.
                if (flow == "score")
                    Assert.True(Count("in") == Count("passed") + Count("rejected"), name);
                before = Count("out");
            }
        }
        JsonNode reading = report["flows"]!["score"]!["stages"]![0]!;
        Assert.Equal(44, reading["in"]!.GetValue<long>());
        Assert.Equal(4, reading["rejected"]!.GetValue<long>());
        JsonElement[] rejects = Rejects(folder);
        Assert.Equal(4, rejects.Length);
        Assert.All(rejects, r => Assert.Equal("read-jsonl", r.GetProperty("stage").GetString()));
        Assert.All(rejects, r => Assert.NotEqual("", r.GetProperty("id").GetString()));
        Assert.Contains(rejects, r => r.GetProperty("message").GetString()!.Contains("maxDocumentBytes: 5000 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void Records_a_stage_fails_on_go_to_the_reject_file_and_above_the_limit_the_run_fails_and_names_ten()
    {
        string corpus = job.WriteCorpus("poisoned.jsonl", 40);
        File.AppendAllText(corpus, string.Concat(Enumerable.Range(0, 12).Select(i => $"{{\"text\": \"some poison {i}\"}}\n")));
        const string stage = """{ "stage": "poison" },""";
        string folder = job.NewFolder("poisoned");
        string strict = job.Write("strict.json", job.Text(corpus: corpus, afterReading: stage, distill: false, shards: 1));
        string enough = job.Write("enough.json", job.Text(corpus: corpus, afterReading: stage, distill: false, shards: 1, maxFailedRecords: 12));
        string tooFew = job.Write("too-few.json", job.Text(corpus: corpus, afterReading: stage, distill: false, shards: 1, maxFailedRecords: 11));

        AlmEnd none = InProcess.Run(TinyJob.Arguments(strict, folder), PoisonMap.Stage);
        Assert.Equal(ExitCodes.Defect, none.Code);
        Assert.Contains("1 record(s) failed, and maxFailedRecords is 0", none.Error, StringComparison.Ordinal);
        AlmEnd eleven = InProcess.Run(TinyJob.Arguments(tooFew, folder), PoisonMap.Stage);
        Assert.Equal(ExitCodes.Defect, eleven.Code);
        Assert.Contains("12 record(s) failed, and maxFailedRecords is 11", eleven.Error, StringComparison.Ordinal);
        Assert.Equal(10, eleven.Error.Split('\n').Count(l => l.StartsWith("  ", StringComparison.Ordinal) && l.Contains("in stage 'poison': InvalidOperationException: planted", StringComparison.Ordinal)));

        int before = Rejects(folder).Length;
        AlmEnd all = InProcess.Run(TinyJob.Arguments(enough, folder), PoisonMap.Stage);
        Assert.True(all.Code == ExitCodes.Success, all.ToString());
        JsonElement[] rejects = Rejects(folder)[before..];
        Assert.Equal(12, rejects.Length);
        Assert.Equal(12, rejects.Select(r => r.GetProperty("id").GetString()).Distinct().Count());
        Assert.All(rejects, r => Assert.Equal("poison", r.GetProperty("stage").GetString()));
        Assert.All(rejects, r => Assert.Contains("planted", r.GetProperty("message").GetString(), StringComparison.Ordinal));
    }

    [Fact]
    public void One_two_and_eight_threads_write_the_same_shards()
    {
        string definition = job.Write("threads.json", job.Text(corpus: job.WriteCorpus("threads.jsonl", 300), distill: false));
        SortedDictionary<string, string>? expected = null;
        foreach (string threads in new[] { "1", "2", "8" })
        {
            string folder = job.NewFolder("threads");
            AlmEnd end = InProcess.Run(TinyJob.Arguments(definition, folder, "--parallel", threads));
            Assert.True(end.Code == ExitCodes.Success, end.ToString());
            expected ??= TinyJob.Results(folder);
            TinyJob.AssertSame(expected, folder, $"{threads} threads");
        }
        Assert.Equal(TinyJob.Shards + 1, expected!.Count);
    }

    private static JsonElement[] Rejects(string folder)
        => [.. File.ReadAllLines(Path.Combine(folder, "rejects.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)];
}
