using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Comparison;

/// <summary>What one <c>evaluate</c> of one run found, as far as runs are compared by it.</summary>
/// <param name="AgreementWith">The model that agreement was asked with; null where it was not asked for.</param>
/// <param name="NotFinite">Names of models whose answers were not finite, which have no figures.</param>
internal sealed record Judgement(JudgedText Text, IReadOnlyList<JudgedModel> Models, string? AgreementWith, IReadOnlyList<string> NotFinite)
{
    public JudgedModel? this[string name] => Models.FirstOrDefault(m => m.Name == name);

    /// <summary>A part of a report is whatever a stage left; these are evaluate's.</summary>
    public static bool IsJudgement(JsonNode? part) => part is JsonObject judgement && judgement.ContainsKey("models") && judgement.ContainsKey("windowBytes");

    /// <returns>Null for a part that is no judgement.</returns>
    /// <exception cref="JsonException">It is a broken one.</exception>
    public static Judgement? Read(JsonNode? part)
    {
        if (!IsJudgement(part))
            return null;
        EvaluationReport report = EvaluationTable.FromJson(JsonSerializer.SerializeToUtf8Bytes(part));
        return new Judgement(
            new JudgedText(report.WindowBytes, report.Documents, report.Windows, report.Bytes, report.IsCut),
            [.. report.Models.Where(m => m.NotFinite is null).Select(m => new JudgedModel(m.Name, m.Tokenizer, m.BitsPerByte, m.Agreement))],
            report.AgreementWith,
            [.. report.Models.Where(m => m.NotFinite is not null).Select(m => m.Name)]);
    }

    /// <summary>Several texts as one, each weighing the same whatever its length; of the models judged on all.</summary>
    public static Judgement Mean(IReadOnlyList<Judgement> parts) => new(
        new JudgedText(
            parts.Max(p => p.Text.WindowBytes), parts.Sum(p => p.Text.Documents), parts.Sum(p => p.Text.Windows), parts.Sum(p => p.Text.Bytes), parts.Any(p => p.Text.IsCut)),
        [.. parts[0].Models.Where(m => parts.All(p => p[m.Name] is not null)).Select(m => Mean([.. parts.Select(p => p[m.Name]!)]))],
        parts[0].AgreementWith,
        [.. parts.SelectMany(p => p.NotFinite).Distinct()]);

    private static JudgedModel Mean(IReadOnlyList<JudgedModel> parts) => parts[0] with
    {
        BitsPerByte = parts.Average(m => m.BitsPerByte),
        Agreement = parts.All(m => m.Agreement is not null) ? parts.Average(m => m.Agreement) : null,
    };
}

/// <summary>The text all models of a judgement were judged on; two runs compare when it is equal.</summary>
internal sealed record JudgedText(int WindowBytes, long Documents, long Windows, long Bytes, bool IsCut);

/// <param name="Name">As the definition names it.</param>
/// <param name="Tokenizer">The tokenizer's fingerprint.</param>
/// <param name="BitsPerByte">Bits over bytes.</param>
/// <param name="Agreement">Share of the compared offsets where its likeliest next byte is the reference's, 0..1; null where there is none.</param>
internal sealed record JudgedModel(string Name, string Tokenizer, double BitsPerByte, double? Agreement);
