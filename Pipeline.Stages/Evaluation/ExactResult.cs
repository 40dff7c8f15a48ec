using System.Text.Json.Serialization;

namespace Pipeline.Stages.Evaluation;

/// <summary>The figures of a model by its exact distribution over the next byte (256 bytes and the end of the text), at every byte of the text.</summary>
/// <param name="BitsPerByte">
/// Bits divided by bytes. At most what the text costs by its own tokens, up to the small error of deciding where a pre-tokenizer's pattern may cut.
/// </param>
/// <param name="Bits">−Σ log2 p(byte), plus 8 for each byte that the model has no distribution for.</param>
/// <param name="UnscoredBytes">How many bytes were charged 8 bits each: those of the first token, under a model with neither bos nor eos.</param>
public sealed record ExactResult(double BitsPerByte, double Bits, long UnscoredBytes)
{
    /// <summary>The share of the compared bytes at which both models have the same most likely next byte. Null for the reference itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Agreement { get; init; }

    /// <summary>
    /// The mean over the compared bytes of Σ p(x) log2 (p(x) / q(x)), where p is the reference's distribution and q the model's. The bytes counted in
    /// <see cref="RuledOutBytes"/> are left out.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Divergence { get; init; }

    /// <summary>How many bytes both models have a distribution for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ComparedBytes { get; init; }

    /// <summary>
    /// At how many of these the divergence is infinite: the model gives probability 0 to something that the reference allows. A model without an
    /// end-of-text token, for example, rules out the end everywhere.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? RuledOutBytes { get; init; }
}
