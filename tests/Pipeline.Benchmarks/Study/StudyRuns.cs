using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;
using Pipeline.Host.Files;

namespace Pipeline.Benchmarks.Study;

/// <summary>The study's run folders, by name.</summary>
internal sealed class StudyRuns(IStorage storage, string folder, TextWriter output)
{
    public string Folder => folder;

    public IStorage Storage => storage;

    public void Skip(string what) => output.WriteLine($"skipped: {what}");

    /// <summary>Finished runs named by a prefix and a number, in the order of the numbers.</summary>
    public IReadOnlyList<(string Number, FinishedRun Run)> Find(string prefix)
    {
        List<(string Text, double Number, FinishedRun Run)> found = [];
        foreach (string path in storage.List(folder))
        {
            string name = Path.GetFileName(path);
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            if (!double.TryParse(name.AsSpan(prefix.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
                Skip($"{name}: expected a number behind '{prefix}'");
            else if (storage.FileExists(Path.Combine(path, RunFiles.Report)))
                found.Add((name[prefix.Length..], number, FinishedRun.Read(storage, path)));
            else
                Skip($"{name}: it is not finished");
        }
        if (found.Count == 0)
            Skip($"{prefix}N: no finished run of that name in {folder}");
        return [.. found.OrderBy(f => f.Number).Select(f => (f.Text, f.Run))];
    }

    /// <summary>The same of several prefixes; those of one number, which is their seed, as one run that has the models of all.</summary>
    public IReadOnlyList<(string Number, FinishedRun Run)> FindJoined(params IReadOnlyList<string> prefixes)
        => [.. prefixes.SelectMany(Find).GroupBy(f => f.Number).Select(g => (g.Key, g.Select(f => f.Run).Aggregate((a, b) => a.With(b))))];

    public RunComparison Compare(string name, IReadOnlyList<FinishedRun> runs, Domains domains) => Compare(name, runs, [.. domains.Each]);

    /// <summary>Runs compared as <c>alm compare --mean</c> does; a mean with a part that no run has is left out with a line.</summary>
    public RunComparison Compare(string name, IReadOnlyList<FinishedRun> runs, params PartMean[] domains)
    {
        List<PartMean> whole = [];
        foreach (PartMean domain in domains)
        {
            string[] missing = [.. domain.Of.Where(part => runs.All(r => r[part] is null))];
            if (missing.Length == 0)
                whole.Add(domain);
            else
                Skip($"{name}, the text '{domain.Name}': no run was judged on {string.Join(", ", missing)}");
        }
        return RunComparison.Of(runs, whole);
    }
}
