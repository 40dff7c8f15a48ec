using System.Globalization;
using System.Text.Json;

namespace Pipeline.Stages.Evaluation;

/// <summary>Shows a report as a table for a terminal or for Markdown, and writes and reads it as JSON.</summary>
public static class EvaluationTable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, IndentSize = 2, NewLine = "\n" };

    /// <summary>The titles of the columns. Agreement and exact figures have columns only where they were asked for.</summary>
    public static IReadOnlyList<string> Header(EvaluationReport report)
    {
        List<string> header = ["model", "bits per byte", "tokens", "tokens per byte"];
        if (report.AgreementWith is { } reference)
            header.AddRange([$"agrees with {reference}", "offsets"]);
        if (HasExact(report))
            header.Add("exact bits per byte");
        if (report.ExactWith is { } teacher)
            header.AddRange([$"agrees with {teacher} at every byte", $"bits from {teacher}"]);
        return header;
    }

    /// <summary>One row for each model. All columns but the first are numbers.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(EvaluationReport report)
        => [.. report.Models.Select(m => Row(m, report))];

    /// <summary>The remarks below the table.</summary>
    public static IReadOnlyList<string> Notes(EvaluationReport report)
    {
        List<string> notes =
        [
            string.Create(CultureInfo.InvariantCulture, $"{report.Documents:N0} documents, {report.Bytes:N0} bytes, {report.Windows:N0} windows of at most {report.WindowBytes:N0} bytes{(report.Stride is { } stride ? $", the last {stride:N0} of each judged" : "")}"),
        ];
        if (report.IsCut)
            notes.Add("there was more input; text beyond maxBytes was not judged");
        notes.AddRange(report.Models.Where(m => m.NotFinite is not null).Select(m => $"{m.Name}: {m.NotFinite}"));
        if (report.Gap is { } gap)
        {
            string? unsound = report.Models.FirstOrDefault(m => m.NotFinite is not null && (m.Name == gap.Before || m.Name == gap.After || m.Name == gap.Teacher))?.Name;
            notes.Add(unsound is not null ? $"the share of the gap that training closed is unknown: {unsound} is not finite" : gap.Closed is { } share
                ? string.Create(CultureInfo.InvariantCulture, $"training closed {share:P1} of the gap between {gap.Before} and {gap.Teacher}")
                : $"there was no gap to close: {gap.Before} began no worse than {gap.Teacher}");
        }
        foreach (ModelResult model in report.Models.Where(m => m.Exact?.RuledOutBytes > 0))
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{model.Name} gives probability 0 to what {report.ExactWith} does not at {model.Exact!.RuledOutBytes:N0} of {model.Exact.ComparedBytes:N0} bytes, which its divergence leaves out"));
        return notes;
    }

    /// <summary>The table and its notes as lines of plain text.</summary>
    public static IReadOnlyList<string> Lines(EvaluationReport report)
    {
        IReadOnlyList<IReadOnlyList<string>> rows = [Header(report), .. Rows(report)];
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(r => r[column].Length))];
        return [.. rows.Select(r => string.Join("  ", r.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i])))), .. Notes(report)];
    }

    /// <summary>Writes a report as JSON in UTF-8, with a line feed at the end.</summary>
    public static byte[] ToJson(EvaluationReport report) => [.. JsonSerializer.SerializeToUtf8Bytes(report, Json), (byte)'\n'];

    /// <summary>Reads a report that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is not a report.</exception>
    public static EvaluationReport FromJson(ReadOnlySpan<byte> json)
        => JsonSerializer.Deserialize<EvaluationReport>(json, Json) ?? throw new JsonException("the report is null");

    private static List<string> Row(ModelResult model, EvaluationReport report)
    {
        List<string> row = [model.Name, model.NotFinite is null ? Bits(model.BitsPerByte) : "not finite", Number(model.Tokens, "N0"), Number(model.TokensPerByte, "0.000")];
        if (report.AgreementWith is not null)
            row.AddRange([model.Agreement is { } share ? Number(share, "P2") : "-", model.AgreementOffsets is { } offsets ? Number(offsets, "N0") : "-"]);
        if (HasExact(report))
            row.Add(model.Exact is { } exact ? Bits(exact.BitsPerByte) : "-");
        if (report.ExactWith is not null)
        {
            row.Add(model.Exact?.Agreement is { } share ? Number(share, "P2") : "-");
            row.Add(model.Exact?.Divergence is { } divergence ? Number(divergence, "0.0000") : "-");
        }
        return row;
    }

    private static bool HasExact(EvaluationReport report) => report.Models.Any(m => m.Exact is not null);

    // A model that gives almost no probability to what it reads has figures of dozens of digits.
    private static string Bits(double value) => Number(value, Math.Abs(value) < 1e6 ? "0.0000" : "0.000e+0");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
