using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pipeline.Stages.Evaluation;

/// <summary>Writes a number that is not finite as null, because JSON has no such numbers, and reads null as NaN.</summary>
internal sealed class NullForNaN : JsonConverter<double>
{
    public override bool HandleNull => true;

    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value))
            writer.WriteNumberValue(value);
        else
            writer.WriteNullValue();
    }
}
