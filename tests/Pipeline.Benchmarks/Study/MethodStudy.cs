using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>Every method on one target, over seeds: <c>TARGET-seedN</c>.</summary>
internal static class MethodStudy
{
    public static void Write(string target, StudyRuns runs, StudyPages pages)
    {
        FinishedRun[] found = [.. runs.Find($"{target}-seed").Select(r => r.Run)];
        if (found.Length == 0)
            return;
        string name = $"methods-{target}", title = $"Subword to {target}, by method";
        RunComparison comparison = runs.Compare(name, found, Domains.Seen, Domains.Unseen);
        pages.Save($"{name}.svg", Picture.Methods(title, comparison));
        pages.Write(
            name, title, ModelTable.Rows(comparison), StudyPages.Notes(comparison), [($"{name}.svg", $"{title}: bits per byte on text of domains seen and not seen in transfer")]);
    }
}
