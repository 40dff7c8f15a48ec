using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>
/// Compares all methods on one target over several seeds. Reads the runs <c>TARGET-seedN</c> or, for little transfer text, <c>little-TARGET-seedN</c>.
/// </summary>
internal static class MethodStudy
{
    public static void Write(string target, bool isLittle, StudyRuns runs, StudyPages pages)
    {
        string prefix = isLittle ? $"little-{target}" : target;
        FinishedRun[] found = [.. runs.Find($"{prefix}-seed").Select(r => r.Run)];
        if (found.Length == 0)
            return;
        string name = $"methods-{prefix}", title = $"Subword to {target}{(isLittle ? " on little text" : "")}, by method";
        RunComparison comparison = runs.Compare(name, found, Domains.MathsAndArticles);
        pages.Save($"{name}.svg", Picture.Methods(title, comparison, Domains.MathsAndArticles));
        pages.Write(
            name, title, ModelTable.Rows(comparison, Domains.MathsAndArticles), StudyPages.Notes(comparison, Domains.MathsAndArticles), [($"{name}.svg", $"{title}: bits per byte on text of domains seen and not seen in transfer")]);
    }
}
