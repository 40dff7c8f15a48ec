using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>A page of the study's second part. It compares methods on one transfer text, and shows their differences seed by seed.</summary>
/// <param name="Name">The name of the page's file.</param>
/// <param name="Title">The title of the page.</param>
/// <param name="Domains">Which domains the transfer text has.</param>
/// <param name="Sections">The headings, each with the prefixes of its runs' names. A run's name is a prefix and a seed.</param>
internal sealed record ExactStudy(string Name, string Title, Domains Domains, IReadOnlyList<(string Heading, IReadOnlyList<string> Prefixes)> Sections)
{
    public static IReadOnlyList<ExactStudy> All { get; } =
    [
        BySteps("one", "Subword to bytes on maths alone", Domains.Maths, ("240 steps at half the learning rate", ["exact-one-slow-seed"])),
        BySteps("little", "Subword to bytes on two articles and thirty problems", Domains.MathsAndArticles),
        BySteps("own", "Subword to bytes on text of all the teacher's domains", Domains.Own),
        new("exact-subword", "Subword to subword on maths alone", Domains.Maths, [("240 steps", ["exact-subword-seed"])]),
        new("exact-answers", "Subword to bytes on maths that the teacher wrote", Domains.Maths,
            [("The teacher's answers, 240 steps", ["exact-answers-seed"]), ("Text of the domain, 240 steps", ["exact-one-seed"])]),
    ];

    public void Write(StudyRuns runs, StudyPages pages)
    {
        List<StudySection> sections = [];
        int pictures = 0;
        foreach ((string heading, IReadOnlyList<string> prefixes) in Sections)
        {
            FinishedRun[] found = [.. runs.FindJoined(prefixes).Select(f => f.Run)];
            if (found.Length == 0 && sections.Count == 0)
                return;
            if (found.Length == 0)
            {
                sections.Add(new StudySection(heading, [["model"]], ["No run of it is finished."]));
                continue;
            }
            RunComparison comparison = runs.Compare(Name, found, Domains);
            string picture = $"{Name}{(++pictures == 1 ? "" : $"-{pictures}")}.svg", title = $"{Title}: {heading}";
            pages.Save(picture, Picture.Methods(title, comparison, Domains));
            sections.Add(new StudySection(heading, ModelTable.Rows(comparison, Domains), StudyPages.Notes(comparison, Domains)) { Pictures = [(picture, $"{title}: bits per byte")] });
            sections.Add(new StudySection($"{heading}: differences within seeds", PairedTable.Rows(comparison, Domains), PairedTable.Notes));
        }
        pages.Write(Name, Title, sections);
    }

    private static ExactStudy BySteps(string text, string title, Domains domains, params (string Heading, IReadOnlyList<string> Prefixes)[] more) => new(
        $"exact-{text}", title, domains,
        [("240 steps", [$"exact-{text}-seed", $"exact-{text}-more-seed"]), ("1,500 steps", [$"exact-{text}-long-seed"]), .. more]);
}
