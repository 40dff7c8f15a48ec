using System.Text.Json.Serialization;

namespace Pipeline.Stages.Evaluation;

/// <summary>A model by its exact distributions over the next byte, 256 bytes and the end, at every byte of the text.</summary>
/// <param name="BitsPerByte">Bits over bytes. Never above what the text costs by its own tokens, but for the little that a pattern's cuts are known inexactly.</param>
/// <param name="Bits">−Σ log2 p(byte), and 8 for each byte without a condition.</param>
/// <param name="UnscoredBytes">Bytes charged 8 bits each: those of the first token of a model with neither bos nor eos.</param>
public sealed record ExactResult(double BitsPerByte, double Bits, long UnscoredBytes)
{
    /// <summary>The share of the compared bytes whose most likely next byte is the reference's; null for the reference itself and where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Agreement { get; init; }

    /// <summary>Mean over the compared bytes of Σ p(x) log2 (p(x) / q(x)), p the reference's and q the model's, without those the model rules out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Divergence { get; init; }

    /// <summary>Bytes that both have a distribution at.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ComparedBytes { get; init; }

    /// <summary>Of these, how many have an infinite divergence: the model gives probability 0 to what the reference does not. A model without an end token rules out the end everywhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? RuledOutBytes { get; init; }
}
