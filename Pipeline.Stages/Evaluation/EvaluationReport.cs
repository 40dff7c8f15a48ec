using System.Text.Json.Serialization;

namespace Pipeline.Stages.Evaluation;

/// <summary>What <c>evaluate</c> found: the content of its JSON file in the run's folder <c>report</c>.</summary>
/// <param name="WindowBytes">The longest window, in bytes; see <see cref="Rule"/>.</param>
/// <param name="Documents">How many documents were judged.</param>
/// <param name="Windows">How many windows they were cut into.</param>
/// <param name="Bytes">The length of all windows in bytes of UTF-8, by which every model's bits are divided.</param>
/// <param name="IsCut">Whether there was more input than the limit allows.</param>
/// <param name="Models">The models in the order of the definition, then the ensembles.</param>
/// <param name="Gap">The share of the gap that training closed; null where the three models of a gap were not named.</param>
public sealed record EvaluationReport(
    int WindowBytes, long Documents, long Windows, long Bytes, bool IsCut, IReadOnlyList<ModelResult> Models, GapResult? Gap)
{
    /// <summary>How the figures were computed, in words, so that a report can be read alone.</summary>
    public string Rule { get; init; } =
        "Text is made well-formed and NFC and cut into windows of at most windowBytes UTF-8 bytes, before the last white space that fits, else at the last "
        + "whole character. Each window is scored alone, after the model's bos, else its eos; with neither, the bytes of its first token cost 8 bits each. "
        + "With a stride, text is cut at stride in place of windowBytes, and what is before a piece, up to windowBytes in all, is read with it. "
        + "The end of a window is not scored. bitsPerByte = -sum of log2 p(token) / bytes.";

    /// <summary>How many bytes at the end of a window are judged; those before them are context. Null where windows do not overlap.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Stride { get; init; }

    /// <summary>The name of the model that the others were compared with; null where agreement was not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgreementWith { get; init; }

    /// <summary>What agreement means, in words; null where it was not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgreementRule { get; init; }

    /// <summary>The name of the model whose exact next bytes the others' were compared with; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExactWith { get; init; }

    /// <summary>What the exact figures mean, in words; null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExactRule { get; init; }

    /// <summary>The windows on which each model is furthest behind the teacher; null where there is no teacher or they were not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DifferingTexts>? Differing { get; init; }

    public int Version { get; init; } = 1;
}

/// <summary>The figures of one model or ensemble.</summary>
/// <param name="Name">The name that the definition gives it.</param>
/// <param name="Model">The model's folder, or how an ensemble is made of its members.</param>
/// <param name="BitsPerByte">Bits divided by bytes. NaN, which is null in JSON, where <see cref="NotFinite"/> says why.</param>
/// <param name="Bits">−Σ log2 p(token), plus 8 for each byte of a first token without a score.</param>
/// <param name="Tokens">
/// How many tokens of text were judged; bos is not counted. For an ensemble with different tokenizers, which answers in bytes, the number of bytes.
/// </param>
/// <param name="TokensPerByte">Tokens divided by bytes.</param>
/// <param name="UnscoredBytes">How many bytes were charged 8 bits each.</param>
/// <param name="Tokenizer">The tokenizer's fingerprint; "bytes" for an ensemble with different tokenizers.</param>
/// <param name="Agreement">
/// The share of the compared byte offsets where the model's most likely next byte is that of the reference. Null where agreement was not asked for,
/// for the reference itself, and where there is no offset to compare at.
/// </param>
/// <param name="AgreementOffsets">How many offsets were compared; null where agreement was not asked for, and for the reference itself.</param>
/// <param name="Exact">The figures by exact next bytes; null where they were not asked for.</param>
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
    /// <summary>Why the model has no figures: which of its numbers are not finite. Null for a sound model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NotFinite { get; init; }
}

/// <summary>The share of the gap to the teacher that training closed.</summary>
/// <param name="Before">The name of the student before training.</param>
/// <param name="After">The name of the student after training.</param>
/// <param name="Teacher">The name of the teacher.</param>
/// <param name="Closed">
/// (before − after) / (before − teacher) in bits per byte. Null where the student began no worse than the teacher, or a model is not finite.
/// </param>
public sealed record GapResult(string Before, string After, string Teacher, double? Closed);
