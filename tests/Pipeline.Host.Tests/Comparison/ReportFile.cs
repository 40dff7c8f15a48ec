using System.Globalization;

namespace Pipeline.Host.Tests.Comparison;

/// <summary>Reports of finished runs, written by hand.</summary>
internal static class ReportFile
{
    /// <summary>A judgement as evaluate writes it; the figures that comparisons do not read are made up.</summary>
    public static string Judgement(long bytes, params (string Name, double BitsPerByte, double? Agreement)[] models) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        { "windowBytes": 512, "documents": 3, "windows": 5, "bytes": {{bytes}}, "isCut": false, "models": [ {{string.Join(", ", models.Select(Model))}} ],
          "gap": null, "agreementWith": "teacher", "rule": "as ever", "version": 1 }
        """);

    /// <summary>The same with figures by exact next bytes for one of the models.</summary>
    public static string WithExact(string judgement, string model, double agreement, double divergence) => judgement.Replace(
        $"\"name\": \"{model}\",",
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            "name": "{{model}}", "exact": { "bitsPerByte": 1, "bits": 9, "unscoredBytes": 0, "agreement": {{agreement}}, "divergence": {{divergence}} },
            """),
        StringComparison.Ordinal);

    /// <summary>Writes the run folder and gives its path.</summary>
    public static string Write(TemporaryFolder folder, string run, int seed, params (string Part, string Json)[] parts)
    {
        Directory.CreateDirectory(folder[run]);
        return Path.GetDirectoryName(folder.Write(Path.Combine(run, "report.json"), $$"""
            { "run": "study", "definition": "hash-{{seed}}", "seed": {{seed}}, "flows": {},
              "parts": { "notes": { "any": "thing" }, {{string.Join(", ", parts.Select(p => $"\"{p.Part}\": {p.Json}"))}} } }
            """))!;
    }

    private static string Model((string Name, double BitsPerByte, double? Agreement) model)
    {
        string agreement = model.Agreement is { } share ? string.Create(CultureInfo.InvariantCulture, $"{share}") : "null";
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            { "name": "{{model.Name}}", "model": "m", "bitsPerByte": {{model.BitsPerByte}}, "bits": 1, "tokens": 9, "tokensPerByte": 0.5, "unscoredBytes": 0,
              "tokenizer": "{{model.Name}}", "agreement": {{agreement}}, "agreementOffsets": 7 }
            """);
    }
}
