using System.Globalization;
using System.Text.Json.Nodes;

namespace Pipeline.Host.Pages;

/// <summary>What a run has cost: time, speed, memory, and bytes of shards per token.</summary>
internal static class CostSection
{
    public static void Write(HtmlWriter html, RunRecord run, MachineFacts machine) => html.Section("cost", "Cost", () =>
    {
        double seconds = run.Flows.Sum(f => Seconds(f.State));
        html.Element("ul", () =>
        {
            Card(html, "total time", Figures.Time(seconds));
            if (machine.PeakBytes is { } peak)
                Card(html, "peak memory of the last process", Figures.Bytes(peak));
            if (Shards(run) is { } shards)
                Card(html, "shard bytes per teacher token", Figures.Number(shards));
        }, ("class", "cards"));
        List<IReadOnlyList<string>> rows = [["flow", "time", "share", "tokens", "tokens per second"]];
        foreach ((string name, JsonObject state) in run.Flows)
        {
            long tokens = (state["stages"] as JsonArray ?? []).Max(s => (long?)s?["counts"]?["tokens"]) ?? 0;
            double took = Seconds(state);
            rows.Add([name, Figures.Time(took), seconds == 0 ? "" : Figures.Percent(took / seconds), tokens == 0 ? "" : Figures.Count(tokens), tokens == 0 || took == 0 ? "" : Figures.Number(tokens / took)]);
        }
        html.Table("Flows", rows);
        html.Element("p", string.Create(CultureInfo.InvariantCulture,
            $"{machine.Processor}, {machine.Cores} cores, {Figures.Bytes(machine.MemoryBytes)} of memory; {machine.System}."), ("class", "note"));
    });

    private static double Seconds(JsonObject state) => (double?)state["seconds"] ?? 0;

    private static double? Shards(RunRecord run)
    {
        foreach (JsonNode? stage in run.Flows.SelectMany(f => f.State["stages"] as JsonArray ?? []))
        {
            if (stage?["counts"] is JsonObject counts && (long?)counts["shardBytes"] is { } bytes && (long?)counts["teacherTokens"] is > 0 and { } tokens)
                return (double)bytes / tokens;
        }
        return null;
    }

    private static void Card(HtmlWriter html, string what, string figure) => html.Element("li", () =>
    {
        html.Element("b", figure);
        html.Text(what);
    });
}
