using System.Diagnostics;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>Scores of a file under kill -9: from <c>alm score</c> to a student.</summary>
[Collection(TinyJobTests.Name)]
public sealed class ImportTests(TinyJob job, ITestOutputHelper output)
{
    [Fact]
    public void Killed_at_random_moments_a_run_over_imported_scores_ends_with_the_same_bytes()
    {
        string definition = job.Write("imported.json", job.Imported(Scores()));
        long start = Stopwatch.GetTimestamp();
        SortedDictionary<string, string> expected = job.Clean(definition);
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        Assert.Equal(TinyJob.Shards, expected.Keys.Count(k => k.EndsWith(".alm", StringComparison.Ordinal)));
        Assert.Contains("student/model.safetensors", expected.Keys);

        int wanted = FaultCounts.Of(3, 60), kills = 0, starts = 0;
        var random = new Random(7);
        while (kills < wanted)
        {
            string folder = job.NewFolder("import-killed");
            for (bool done = false; !done;)
            {
                starts++;
                using AlmChild child = AlmChild.Run(TinyJob.Arguments(definition, folder));
                AlmEnd? end = kills < wanted ? KillTests.EndOrKill(child, (0.2 + (0.8 * random.NextDouble())) * whole) : child.End();
                kills += end is null ? 1 : 0;
                done = end is { Code: ExitCodes.Success };
                Assert.True(end is null || done, end?.ToString());
            }
            TinyJob.AssertSame(expected, folder, $"{kills} kills");
            Directory.Delete(folder, recursive: true);
        }
        output.WriteLine($"{kills} kills in {starts} starts; a run takes {whole.TotalSeconds:F1} s");
    }

    /// <summary>What the score command says of the corpus, with the texts beside it.</summary>
    private string Scores()
    {
        string scored = job.NewFolder("scored") + ".jsonl";
        using AlmChild child = AlmChild.Run("score", "--model", job.Teacher, "--input", job.Corpus, "--output", scored, "--device", "cpu");
        AlmEnd end = child.End();
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        return job.Write("scores.jsonl", string.Concat(File.ReadLines(scored).Zip(File.ReadLines(job.Corpus), (line, text) =>
        {
            JsonObject row = JsonNode.Parse(line)!.AsObject();
            row["text"] = JsonNode.Parse(text)!["text"]!.DeepClone();
            return row.ToJsonString() + "\n";
        })));
    }
}
