using System.Text.Json.Serialization;

namespace Pipeline.Stages.Evaluation;

/// <summary>What <c>evaluate</c> found: the content of <c>report.json</c>.</summary>
/// <param name="WindowBytes">The windowing rule's only number; see <see cref="Rule"/>.</param>
/// <param name="Documents">Documents judged.</param>
/// <param name="Windows">Windows they were cut into.</param>
/// <param name="Bytes">UTF-8 bytes of them, the denominator for every model.</param>
/// <param name="IsCut">Whether the input went on after the limit of bytes.</param>
/// <param name="Models">In the order of the definition; ensembles last.</param>
/// <param name="Gap">Null when no before, after and teacher were named.</param>
public sealed record EvaluationReport(
    int WindowBytes, long Documents, long Windows, long Bytes, bool IsCut, IReadOnlyList<ModelResult> Models, GapResult? Gap)
{
    /// <summary>The rule in words, so that a report can be read alone.</summary>
    public string Rule { get; init; } =
        "Text is made well-formed and NFC and cut into windows of at most windowBytes UTF-8 bytes, before the last white space that fits, else at the last "
        + "whole character. Each window is scored alone, after the model's bos, else its eos; with neither, the bytes of its first token cost 8 bits each. "
        + "With a stride, text is cut at stride in place of windowBytes, and what is before a piece, up to windowBytes in all, is read with it. "
        + "The end of a window is not scored. bitsPerByte = -sum of log2 p(token) / bytes.";

    /// <summary>Bytes of a window that were judged, after the others as context; null where windows do not overlap.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Stride { get; init; }

    /// <summary>Name of the model that the others were compared with; null where none was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgreementWith { get; init; }

    /// <summary>The rule of the agreement in words; null where none was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgreementRule { get; init; }

    /// <summary>Name of the model that exact next bytes were compared with; null where none was named.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExactWith { get; init; }

    /// <summary>What the exact figures are, in words; null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExactRule { get; init; }

    /// <summary>Where each model is furthest behind the teacher; null if there is no teacher, or if they were not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DifferingTexts>? Differing { get; init; }

    public int Version { get; init; } = 1;
}

/// <summary>One model on the text.</summary>
/// <param name="Name">As the definition names it.</param>
/// <param name="Model">The folder, or the members of an ensemble.</param>
/// <param name="BitsPerByte">Bits over bytes; NaN, which is null in JSON, of a model that is <see cref="NotFinite"/>.</param>
/// <param name="Bits">−Σ log2 p(token), and 8 for each byte of a first token without a score.</param>
/// <param name="Tokens">Tokens of text; the bos in front is not counted. Bytes for an ensemble with different tokenizers, which answers in them.</param>
/// <param name="TokensPerByte">Tokens over bytes.</param>
/// <param name="UnscoredBytes">Bytes charged 8 bits each.</param>
/// <param name="Tokenizer">The tokenizer's fingerprint; "bytes" for an ensemble with different ones.</param>
/// <param name="Agreement">
/// The share of the compared byte offsets where the model's most likely next byte is the reference's; null where no agreement was asked for,
/// for the reference itself, and where there is no offset to compare at.
/// </param>
/// <param name="Exact">By exact next bytes; null where not asked for.</param>
/// <param name="AgreementOffsets">How many offsets were compared; null where no agreement was asked for and for the reference itself.</param>
public sealed record ModelResult(
    string Name,
    string Model,
    [property: JsonConverter(typeof(NullForNaN))] double BitsPerByte,
    [property: JsonConverter(typeof(NullForNaN))] double Bits,
    long Tokens,
    double TokensPerByte,
    long UnscoredBytes,
    string Tokenizer,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Agreement = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? AgreementOffsets = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ExactResult? Exact = null)
{
    /// <summary>Why the model has no figures, whose answers were not finite; null of a sound one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NotFinite { get; init; }
}

/// <summary>How much of the way to the teacher the training went.</summary>
/// <param name="Before">Name of the student before training.</param>
/// <param name="After">Name of the student after it.</param>
/// <param name="Teacher">Name of the teacher.</param>
/// <param name="Closed">(before − after) / (before − teacher); null when the student began no worse than the teacher.</param>
public sealed record GapResult(string Before, string After, string Teacher, double? Closed);
