using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Comparison;

/// <summary>The results of one <c>evaluate</c> stage of a run, as far as runs are compared by them.</summary>
/// <param name="Text">The text that the models were judged on.</param>
/// <param name="Models">The models, in the order of the report.</param>
/// <param name="AgreementWith">The reference model of agreement. Null if agreement was not asked for.</param>
/// <param name="NotFinite">The names of models whose likelihoods were not finite. They have no results.</param>
internal sealed record Judgement(JudgedText Text, IReadOnlyList<JudgedModel> Models, string? AgreementWith, IReadOnlyList<string> NotFinite)
{
    public JudgedModel? this[string name] => Models.FirstOrDefault(m => m.Name == name);

    /// <summary>Whether a part of a report comes from an <c>evaluate</c> stage. Other stages leave parts too.</summary>
    public static bool IsJudgement(JsonNode? part) => part is JsonObject judgement && judgement.ContainsKey("models") && judgement.ContainsKey("windowBytes");

    /// <summary>Reads a part of a report.</summary>
    /// <returns>The judgement; null if the part comes from another stage.</returns>
    /// <exception cref="JsonException">The part is damaged.</exception>
    public static Judgement? Read(JsonNode? part)
    {
        if (!IsJudgement(part))
            return null;
        EvaluationReport report = EvaluationTable.FromJson(JsonSerializer.SerializeToUtf8Bytes(part));
        return new Judgement(
            new JudgedText(report.WindowBytes, report.Documents, report.Windows, report.Bytes, report.IsCut),
            [.. report.Models.Where(m => m.NotFinite is null).Select(m => new JudgedModel(m.Name, m.Tokenizer, m.BitsPerByte, m.Agreement) { ByteAgreement = m.Exact?.Agreement, Divergence = m.Exact?.Divergence })],
            report.AgreementWith,
            [.. report.Models.Where(m => m.NotFinite is not null).Select(m => m.Name)]);
    }

    /// <summary>The judgement with the further models of another one on the same text.</summary>
    public Judgement With(Judgement other) => this with
    {
        Models = [.. Models.UnionBy(other.Models, m => m.Name)],
        AgreementWith = AgreementWith ?? other.AgreementWith,
        NotFinite = [.. NotFinite.Union(other.NotFinite)],
    };

    /// <summary>The mean of several texts, which have equal weights whatever their lengths. It has only the models that were judged on all of them.</summary>
    public static Judgement Mean(IReadOnlyList<Judgement> parts) => new(
        new JudgedText(
            parts.Max(p => p.Text.WindowBytes), parts.Sum(p => p.Text.Documents), parts.Sum(p => p.Text.Windows), parts.Sum(p => p.Text.Bytes), parts.Any(p => p.Text.IsCut)),
        [.. parts[0].Models.Where(m => parts.All(p => p[m.Name] is not null)).Select(m => Mean([.. parts.Select(p => p[m.Name]!)]))],
        parts[0].AgreementWith,
        [.. parts.SelectMany(p => p.NotFinite).Distinct()]);

    private static JudgedModel Mean(IReadOnlyList<JudgedModel> parts) => parts[0] with
    {
        BitsPerByte = parts.Average(m => m.BitsPerByte),
        Agreement = Average(parts, m => m.Agreement),
        ByteAgreement = Average(parts, m => m.ByteAgreement),
        Divergence = Average(parts, m => m.Divergence),
    };

    private static double? Average(IReadOnlyList<JudgedModel> parts, Func<JudgedModel, double?> value)
        => parts.All(m => value(m) is not null) ? parts.Average(value) : null;
}

/// <summary>The text that all models of a judgement were judged on. Two runs can be compared only if theirs are equal.</summary>
internal sealed record JudgedText(int WindowBytes, long Documents, long Windows, long Bytes, bool IsCut);

/// <summary>The results of a model.</summary>
/// <param name="Name">The name in the definition.</param>
/// <param name="Tokenizer">The fingerprint of its tokenizer.</param>
/// <param name="BitsPerByte">Its bits per byte.</param>
/// <param name="Agreement">The share of the compared places where its most likely next byte is that of the reference, from 0 to 1. Null if there is none.</param>
internal sealed record JudgedModel(string Name, string Tokenizer, double BitsPerByte, double? Agreement)
{
    /// <summary>The share of all bytes where its most likely next byte is that of the reference, by exact next bytes. Null if these were not asked for.</summary>
    public double? ByteAgreement { get; init; }

    /// <summary>The mean divergence of its exact next bytes from those of the reference, in bits. Null if these were not asked for.</summary>
    public double? Divergence { get; init; }
}
