using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>
/// The search for the learning rate of each method. Reads one run for each rate, which is part of its name. The student with fewer bytes kept is left out: it
/// gets the rate that was found with all of them.
/// </summary>
internal static class SearchStudy
{
    /// <summary>Writes the page of a search.</summary>
    /// <param name="target">The kind of the students' tokens.</param>
    /// <param name="name">The name of the page's file.</param>
    /// <param name="runs">The runs.</param>
    /// <param name="pages">Where the page goes.</param>
    /// <param name="prefixes">The prefixes of the runs' names, before the rate. The models of all of them are in one table.</param>
    public static void Write(string target, string name, StudyRuns runs, StudyPages pages, params IReadOnlyList<string> prefixes)
    {
        (string Rate, RunComparison Comparison)[] rates =
        [
            .. runs.FindJoined(prefixes).OrderBy(r => double.Parse(r.Number, CultureInfo.InvariantCulture)).Select(r => (Rate: r.Number, Comparison: runs.Compare($"{name}, {r.Number}", [r.Run], Domains.All)))
                .Where(r => r.Comparison.Part(Domains.All.Name) is not null),
        ];
        if (rates.Length == 0)
            return;
        string[] models = [.. rates.SelectMany(r => ModelNames.Ordered(r.Comparison)).Distinct().Where(m => !ModelNames.IsReference(m) && m != ModelNames.OfFewerBytes)];
        List<IReadOnlyList<string>> rows = [["model", .. rates.Select(r => r.Rate)]];
        List<string> atEdge = [];
        foreach (string model in models)
        {
            double?[] bits = [.. rates.Select(r => r.Comparison.Part(Domains.All.Name)![model]?.BitsPerByte.Mean)];
            int best = Array.IndexOf(bits, bits.Min());
            if (rates.Length > 1 && (best == 0 || best == rates.Length - 1))
                atEdge.Add(ModelNames.Label(model));
            rows.Add([ModelNames.Label(model), .. bits.Select((b, i) => Cell(b, i == best))]);
        }
        string seeds = string.Join(", ", rates.Select(r => r.Comparison.Runs[0].Seed).Distinct());
        List<string> notes = [$"Bits per byte by learning rate, the mean of {string.Join(", ", Domains.All.Of)}; one run each, seed {seeds}. Bold: the model's best."];
        if (atEdge.Count > 0)
            notes.Add($"Best at the edge of the rates that were tried, so a better one may lie beyond: {string.Join(", ", atEdge)}.");
        pages.Write(name, $"Subword to {target}: learning rates", rows, notes, []);
    }

    private static string Cell(double? bits, bool isBest)
    {
        string text = bits?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "";
        return isBest ? $"**{text}**" : text;
    }
}
