using System.Globalization;
using System.Text;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>Writes the study's pages and pictures to a folder.</summary>
/// <param name="storage">Where to.</param>
/// <param name="folder">The folder.</param>
/// <param name="stamp">The line at the end of each page.</param>
/// <param name="output">Gets a line for each file.</param>
internal sealed class StudyPages(IStorage storage, string folder, string stamp, TextWriter output)
{
    /// <summary>Writes a page with one table: title, table, notes, pictures, stamp.</summary>
    public void Write(string name, string title, IReadOnlyList<IReadOnlyList<string>> rows, IReadOnlyList<string> notes, IReadOnlyList<(string File, string Alt)> pictures)
        => Write(name, title, [new StudySection(null, rows, notes) { Pictures = pictures }]);

    /// <summary>Writes a page with several sections.</summary>
    public void Write(string name, string title, IReadOnlyList<StudySection> sections)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(title).Append("\n\n");
        foreach (StudySection section in sections)
        {
            if (section.Heading is not null)
                text.Append("## ").Append(section.Heading).Append("\n\n");
            text.AppendJoin('\n', MarkdownTable.Lines(section.Rows)).Append("\n\n").AppendJoin('\n', section.Notes).Append("\n\n");
            foreach ((string file, string alt) in section.Pictures)
                text.Append("![").Append(alt).Append("](").Append(file).Append(")\n\n");
        }
        text.Append(stamp).Append('\n');
        Save(name + ".md", Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>Writes a file.</summary>
    public void Save(string file, byte[] content)
    {
        storage.CreateDirectory(folder);
        storage.WriteAtomically(Path.Combine(folder, file), stream => stream.Write(content));
        output.WriteLine($"written: {Path.Combine(folder, file)}");
    }

    /// <summary>The notes below a table of means: what the numbers are, and which runs they come from.</summary>
    public static IReadOnlyList<string> Notes(RunComparison comparison, Domains domains)
    {
        string runs = string.Join(", ", comparison.Runs.Select(r => $"{Path.GetFileName(r.Path)}: seed {r.Seed}"));
        List<string> notes = [$"{(comparison.Runs.Count == 1 ? "One run" : "Mean ± sample standard deviation over n runs")} ({runs}). Bold: the best of the trained students."];
        if (comparison.Runs.Select(r => r.Definition).Distinct().Count() < comparison.Runs.Count)
            notes.Add("**Some of these runs have one definition, seed included: their spread says nothing.**");
        foreach (PartMean domain in domains.Each)
        {
            if (comparison.Part(domain.Name)?.Text is not { } text)
                continue;
            string each = domain.Of.Count > 1 ? ", the mean of them, each weighing the same" : "";
            notes.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{domains.Title(domain)}{each}; {text.Bytes:N0} bytes in {text.Windows:N0} windows of at most {text.WindowBytes}{(text.IsCut ? ", cut at maxBytes" : "")}."));
        }
        if (comparison.Parts.SelectMany(p => p.Models).Any(m => m.GapClosed is not null))
            notes.Add("Gap closed: of the bits per byte between the student before training and the teacher, within each run.");
        if (comparison.Parts.SelectMany(p => p.Models).Any(m => m.Divergence is not null))
            notes.Add("By exact next bytes, at every byte. Agreement: how often the likeliest one is the teacher's. Bits from the teacher: mean KL(teacher, student).");
        return notes;
    }
}
