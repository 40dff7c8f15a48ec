using System.Collections.ObjectModel;
using System.Globalization;
using Pipeline.Contracts.Formats;
using Pipeline.Host.Comparison;
using Pipeline.Stages.Shards;

namespace Pipeline.Benchmarks.Study;

/// <summary>What it costs in quality to cache scores with fewer bits. Reads the runs <c>caches-seedN</c>, and the shards of the run <c>cache</c>.</summary>
internal static class CacheStudy
{
    private const string Name = "caches";
    private const string Online = "float32";

    private static readonly (string Model, string Shards)[] Caches = [("bits-16", "shards"), ("bits-12", "shards-12"), ("bits-8", "shards-8")];

    public static void Write(StudyRuns runs, StudyPages pages)
    {
        FinishedRun[] found = [.. runs.Find($"{Name}-seed").Select(r => r.Run)];
        if (found.Length == 0)
            return;
        const string title = "ALM from caches of fewer bits a score";
        RunComparison comparison = runs.Compare(Name, found, Domains.MathsAndArticles);
        Dictionary<string, ShardInspection> shards = Shards(runs);
        PointOnAxis[] points = [.. Caches.Where(c => shards.ContainsKey(c.Model)).Select(c => new PointOnAxis(c.Model, ScoreBytes(shards[c.Model]), ModelNames.Label(c.Model)))];
        List<(string, string)> pictures = [];
        if (points.Length > 0)
        {
            pages.Save($"{Name}.svg", Picture.Curves(title, "stored bytes of scores per teacher token", comparison, Domains.MathsAndArticles, points, Online, numericTicks: true));
            pictures.Add(($"{Name}.svg", $"{title}: bits per byte against bytes per teacher token"));
        }
        pages.Write(
            Name, title,
            ModelTable.Rows(
                comparison, Domains.MathsAndArticles,
                ("score bytes per token", m => shards.TryGetValue(m, out ShardInspection? s) ? Bytes(ScoreBytes(s)) : ""),
                ("all bytes per token", m => shards.TryGetValue(m, out ShardInspection? s) ? Bytes((double)s.Bytes / s.TeacherTokens) : "")),
            [
                .. StudyPages.Notes(comparison, Domains.MathsAndArticles),
                .. BytesNote(shards.Values),
            ],
            pictures);
    }

    private static Dictionary<string, ShardInspection> Shards(StudyRuns runs)
    {
        var shards = new Dictionary<string, ShardInspection>();
        foreach ((string model, string name) in Caches)
        {
            string folder = Path.Combine(runs.Folder, "cache", name);
            if (runs.Storage.DirectoryExists(folder))
                shards[model] = ShardInspection.Of(ShardSet.Open(runs.Storage, folder, ReadOnlyDictionary<string, string>.Empty));
            else
                runs.Skip($"bytes per token of {model}: {folder} is not there");
        }
        return shards;
    }

    private static IEnumerable<string> BytesNote(IEnumerable<ShardInspection> shards)
    {
        if (!shards.Any())
            yield break;
        double hidden = shards.Max(s => Stored(s, ShardPart.Hidden));
        string but = hidden > 0 ? $"; {Bytes(hidden)} of them are hidden states, which this objective does not read" : "";
        yield return $"Bytes on disk per teacher token, compressed: of the teacher's two scores, and of everything in the shards, text included{but}.";
    }

    private static double ScoreBytes(ShardInspection shards) => Stored(shards, ShardPart.Scores);

    private static double Stored(ShardInspection shards, ShardPart part) => shards.Parts.First(p => p.Part == part).StoredPerTeacherToken ?? 0;

    private static string Bytes(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
