using System.Text.Json.Nodes;

namespace Pipeline.Host.Pages;

/// <summary>What went through each stage, what was rejected and why, and how long the chunks are in which the two tokenizations meet.</summary>
internal static class DataSection
{
    public static void Write(HtmlWriter html, RunRecord run) => html.Section("data", "Data", () =>
    {
        foreach ((string name, JsonObject state) in run.Flows)
        {
            List<IReadOnlyList<string>> rows = [["stage", "in", "out", "rejected", "also counted"]];
            List<IReadOnlyList<string>> rejects = [["reason", "stage", "records"]];
            foreach (JsonNode? stage in state["stages"] as JsonArray ?? [])
            {
                string stageName = (string?)stage?["stage"] ?? "";
                rows.Add([stageName, Count(stage?["in"]), Count(stage?["out"]), Count(stage?["rejected"]),
                    string.Join(", ", (stage?["counts"] as JsonObject ?? []).Select(c => $"{c.Key} {Count(c.Value)}"))]);
                foreach ((string reason, JsonNode? count) in stage?["rejectedBy"] as JsonObject ?? [])
                    rejects.Add([reason, stageName, Count(count)]);
            }
            html.Element("h3", $"Flow {name}");
            html.Table("What went through", rows);
            if (rejects.Count > 1)
                html.Table("Rejected, by reason", rejects);
            Alignment(html, state);
        }
    });

    private static void Alignment(HtmlWriter html, JsonObject state)
    {
        Dictionary<string, long> counts = [];
        foreach (JsonNode? stage in state["stages"] as JsonArray ?? [])
        {
            foreach ((string name, JsonNode? count) in stage?["counts"] as JsonObject ?? [])
                counts[name] = (long?)count ?? 0;
        }
        if (!counts.TryGetValue("chunks", out long chunks) || chunks == 0 || !counts.TryGetValue("teacherTokens", out long teacher))
            return;
        counts.TryGetValue("bytes", out long bytes);
        List<IReadOnlyList<string>> rows = [["", "per chunk", "in all"], ["teacher tokens", Figures.Number((double)teacher / chunks), Figures.Count(teacher)]];
        if (counts.TryGetValue("studentTokens", out long student))
            rows.Add(["student tokens", Figures.Number((double)student / chunks), Figures.Count(student)]);
        if (bytes > 0)
            rows.Add(["bytes of text", Figures.Number((double)bytes / chunks), Figures.Count(bytes)]);
        html.Table(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Alignment: {chunks:N0} chunks"), rows);
    }

    private static string Count(JsonNode? node) => node is null ? "" : Figures.Count((long)node);
}
