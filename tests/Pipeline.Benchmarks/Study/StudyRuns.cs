using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;
using Pipeline.Host.Files;

namespace Pipeline.Benchmarks.Study;

/// <summary>Finds and reads the study's runs by the names of their folders.</summary>
/// <param name="storage">Where they are.</param>
/// <param name="folder">The folder of all runs.</param>
/// <param name="output">Gets a line for everything that is skipped.</param>
internal sealed class StudyRuns(IStorage storage, string folder, TextWriter output)
{
    public string Folder => folder;

    public IStorage Storage => storage;

    /// <summary>Tells the user that something is left out.</summary>
    public void Skip(string what) => output.WriteLine($"skipped: {what}");

    /// <summary>The finished runs whose names are a prefix and a number, in the order of the numbers.</summary>
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

    /// <summary>The same for several prefixes. Runs with the same number, such as a seed, are joined to one run that has the models of all of them.</summary>
    public IReadOnlyList<(string Number, FinishedRun Run)> FindJoined(params IReadOnlyList<string> prefixes)
        => [.. prefixes.SelectMany(Find).GroupBy(f => f.Number).Select(g => (g.Key, g.Select(f => f.Run).Aggregate((a, b) => a.With(b))))];

    public RunComparison Compare(string name, IReadOnlyList<FinishedRun> runs, Domains domains) => Compare(name, runs, [.. domains.Each]);

    /// <summary>Compares runs as <c>alm compare --mean</c> does. A mean with a part that no run has is skipped.</summary>
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
