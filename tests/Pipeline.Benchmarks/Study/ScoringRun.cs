using System.Collections.ObjectModel;
using System.Text.Json.Nodes;
using Pipeline.Host.Files;
using Pipeline.Stages.Shards;

namespace Pipeline.Benchmarks.Study;

/// <summary>What a pass of the teacher over a text cost, and what it stored: the figures of a run of <c>exact-scores.json</c>.</summary>
/// <param name="ContextsPerByte">How many positions the teacher computed for each byte of text.</param>
/// <param name="LostShare">The share of the text's probability that was in the contexts that were left out, as a mean over its bytes.</param>
/// <param name="StoredPerByte">How many bytes the next bytes take on disk for each byte of text; null where the shards have none.</param>
internal sealed record ScoringRun(double ContextsPerByte, double LostShare, double? StoredPerByte)
{
    /// <summary>Reads the figures of a run.</summary>
    /// <returns>The figures. Null where the run is not finished, of which the user is told.</returns>
    public static ScoringRun? Read(StudyRuns runs, string name)
    {
        string folder = Path.Combine(runs.Folder, name);
        if (!runs.Storage.FileExists(Path.Combine(folder, RunFiles.Report)))
        {
            runs.Skip($"{name}: it is not finished");
            return null;
        }
        double? stored = ShardInspection.Of(ShardSet.Open(runs.Storage, Path.Combine(folder, "shards"), ReadOnlyDictionary<string, string>.Empty)).NextBytesPerTextByte;
        return RunReport.Read(runs.Storage, folder, report =>
        {
            JsonNode stage = report["flows"]!["score"]!["stages"]!.AsArray().Single(s => (string?)s!["stage"] == "score-teacher")!;
            double Count(string count) => (double?)stage["counts"]![count] ?? 0;
            return new ScoringRun(Count("byteContexts") / Count("textBytes"), Count("lostByteMillionths") / 1e6 / Count("textBytes"), stored);
        });
    }
}
