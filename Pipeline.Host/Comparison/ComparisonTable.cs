using System.Globalization;
using System.Text;
using System.Text.Json;
using Pipeline.Host.Files;

namespace Pipeline.Host.Comparison;

/// <summary>Writes a comparison as the cells of a table, as Markdown and as JSON.</summary>
internal static class ComparisonTable
{
    /// <summary>The header, and a row for each model. A column in which no model has a value is left out.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(ComparedPart part)
    {
        List<(string Header, Func<ComparedModel, string> Cell)> columns =
        [
            ("model", m => m.Name),
            ("n", m => m.BitsPerByte.N.ToString(CultureInfo.InvariantCulture)),
            ("bits per byte", m => Bits(m.BitsPerByte)),
        ];
        if (part.Models.Any(m => m.GapClosed is not null))
            columns.Add(("gap closed", m => Percent(m.GapClosed)));
        if (part.Models.Any(m => m.Agreement is not null))
            columns.Add(("agreement", m => Percent(m.Agreement)));
        if (part.Models.Any(m => m.ByteAgreement is not null))
            columns.Add(("agreement at every byte", m => Percent(m.ByteAgreement)));
        if (part.Models.Any(m => m.Divergence is not null))
            columns.Add(("bits from the reference", m => Bits(m.Divergence)));
        return [[.. columns.Select(c => c.Header)], .. part.Models.Select(m => (IReadOnlyList<string>)[.. columns.Select(c => c.Cell(m))])];
    }

    /// <summary>Notes on one part, for below its table.</summary>
    public static IReadOnlyList<string> Notes(ComparedPart part, RunComparison comparison)
    {
        List<string> notes = [string.Create(
            CultureInfo.InvariantCulture,
            $"{part.Text.Documents:N0} documents, {part.Text.Bytes:N0} bytes, {part.Text.Windows:N0} windows of at most {part.Text.WindowBytes:N0} bytes")];
        if (part.Models.Any(m => m.BitsPerByte.N > 1))
            notes.Add("mean ± sample standard deviation over the n runs that have the model");
        if (part.Models.Any(m => m.GapClosed is not null))
            notes.Add($"gap closed: from {comparison.Before} to {comparison.Teacher}, each run against its own two");
        string[] without = [.. comparison.Runs.Where(r => r[part.Name] is null).Select(r => r.Path)];
        if (without.Length > 0)
            notes.Add($"not judged in {string.Join(", ", without)}");
        notes.AddRange(comparison.Runs.Where(r => r[part.Name]?.NotFinite.Count > 0).Select(r => $"not finite in {r.Path}: {string.Join(", ", r[part.Name]!.NotFinite)}"));
        return notes;
    }

    /// <summary>Notes on the whole comparison: which runs are compared, and which of them are identical repeats.</summary>
    public static IReadOnlyList<string> Notes(RunComparison comparison) =>
    [
        .. comparison.Runs.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Path}: run {r.Name}, seed {r.Seed}, definition {r.Definition}")),
        .. comparison.Runs.GroupBy(r => r.Definition).Where(g => g.Count() > 1).Select(
            g => $"{string.Join(", ", g.Select(r => r.Path))} have the same definition and are one run repeated bit for bit: their spread says nothing; give each its own seed"),
    ];

    public static string Bits(Repeats? repeats) => repeats is null ? "" : Spread(repeats, 1, "0.0000");

    public static string Percent(Repeats? repeats) => repeats is null ? "" : Spread(repeats, 100, "0.0") + " %";

    public static string Markdown(RunComparison comparison)
    {
        var text = new StringBuilder();
        foreach (ComparedPart part in comparison.Parts)
        {
            text.Append(CultureInfo.InvariantCulture, $"### {part.Name}\n\n").AppendJoin('\n', MarkdownTable.Lines(Rows(part))).Append("\n\n");
            text.AppendJoin("; ", Notes(part, comparison)).Append(".\n\n");
        }
        foreach (string note in Notes(comparison))
            text.Append(CultureInfo.InvariantCulture, $"- {note}\n");
        return text.ToString();
    }

    public static byte[] Json(RunComparison comparison) => [.. JsonSerializer.SerializeToUtf8Bytes(comparison, RunReport.Layout), (byte)'\n'];

    private static string Spread(Repeats repeats, double factor, string format)
    {
        string Number(double value) => (value * factor).ToString(Math.Abs(value * factor) < 1e6 ? format : "0.000e+0", CultureInfo.InvariantCulture);
        return repeats.StandardDeviation is { } deviation ? $"{Number(repeats.Mean)} ± {Number(deviation)}" : Number(repeats.Mean);
    }
}
