using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>
/// How a student of next bytes depends on how many of them are kept, and on how much of the teacher's tree is computed. Reads the runs
/// <c>exact-curves-seedN</c>.
/// </summary>
internal static class ExactCurves
{
    private const string Name = "exact-curves";
    private const string Title = "Next bytes kept, and teacher positions computed";
    private const string WithoutTeacher = "sft";

    // Each model, the run that scored for it, and the value that is varied in the definition.
    private static readonly (string Model, string Scores, string Label)[] Kept =
    [
        ("kept-1", "kept-1", "1"), ("kept-2", "kept-2", "2"), ("kept-4", "kept-4", "4"), ("exact-8", "kept-8", "8"), ("bytes-exact", "exact", "16"), ("kept-256", "kept-256", "all"),
    ];

    private static readonly (string Model, string Scores, string Label)[] Trees =
    [
        ("bytes-trunk", "trunk", "trunk"), ("prune-1e-1", "prune-1e-1", "0.1"), ("prune-1e-2", "prune-1e-2", "0.01"), ("bytes-exact", "exact", "0.001"), ("prune-0", "prune-0", "0"),
    ];

    public static void Write(StudyRuns runs, StudyPages pages)
    {
        HashSet<string> seeds = [.. runs.Find($"{Name}-seed").Select(f => f.Number)];
        FinishedRun[] found = [.. runs.FindJoined("exact-one-seed", "exact-one-more-seed", $"{Name}-seed").Where(f => seeds.Contains(f.Number)).Select(f => f.Run)];
        if (found.Length == 0)
            return;
        RunComparison comparison = runs.Compare(Name, found, Domains.Maths);
        IReadOnlyList<string> notes = StudyPages.Notes(comparison, Domains.Maths);
        pages.Write(Name, Title,
        [
            Section("Bytes kept at a position, at most", "kept", "stored bytes per byte of text (log scale)", Kept, s => s.StoredPerByte is { } stored ? Math.Log10(stored) : null,
                [.. notes, "Exact next bytes, named until they hold 0.99 or so many are named; all: 256 and a share of 1. The default is 16."]),
            Section("Teacher positions computed", "positions", "teacher positions per byte of text", Trees, s => s.ContextsPerByte,
                [
                    "The same runs. Numbers are `pruneShare`, by default 0.001; lost is what the contexts left out weigh of the text's probability, the mean over its bytes.",
                    "SFT computes no position of the teacher, ALM those of the trunk.",
                ]),
        ]);

        StudySection Section(string heading, string picture, string axis, (string Model, string Scores, string Label)[] points, Func<ScoringRun, double?> at, IReadOnlyList<string> below)
        {
            var scored = points.ToDictionary(p => p.Model, p => ScoringRun.Read(runs, $"exact-maths-{p.Scores}"));
            string Cell(string model, Func<ScoringRun, double?> value, string format) => scored.GetValueOrDefault(model) is { } run && value(run) is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : "";
            string file = $"{Name}-{picture}.svg";
            PointOnAxis[] drawn = [.. points.Where(p => scored[p.Model] is { } run && at(run) is not null).Select(p => new PointOnAxis(p.Model, at(scored[p.Model]!)!.Value, p.Label))];
            pages.Save(file, Picture.Curves(heading, axis, comparison, Domains.Maths, drawn, WithoutTeacher));
            IReadOnlyList<IReadOnlyList<string>> rows = ModelTable.Rows(
                comparison, Domains.Maths, [WithoutTeacher, "alm-sft", .. points.Select(p => p.Model), RunComparison.DefaultTeacher],
                ("here", m => points.FirstOrDefault(p => p.Model == m).Label ?? ""),
                ("stored per byte", m => Cell(m, s => s.StoredPerByte, "0.0")),
                ("positions per byte", m => Cell(m, s => s.ContextsPerByte, "0.00")),
                ("lost", m => Cell(m, s => s.LostShare, "0.0e-0")));
            return new StudySection(heading, rows, below) { Pictures = [(file, $"{heading}: bits per byte")] };
        }
    }
}
