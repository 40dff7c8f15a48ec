using System.Text.Json;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Graph;

/// <summary>Writes and reads lines of a reject file.</summary>
internal static class RejectLine
{
    /// <summary>The line of a record that a stage could not use, in UTF-8 and with its line feed.</summary>
    public static byte[] Of(string flow, Partition? partition, string stage, string id, string reason, string message)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("flow", flow);
            if (partition is { } part)
                json.WriteNumber("partition", part.Index);
            json.WriteString("stage", stage);
            json.WriteString("reason", reason);
            json.WriteString("message", message);
            json.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    /// <summary>The part of a flow that a line belongs to. Null for a flow that has no parts, and for a line that was cut off when the process was killed.</summary>
    public static (string Flow, int Partition)? PartOf(string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("partition", out JsonElement partition) && partition.TryGetInt32(out int index)
                && json.RootElement.TryGetProperty("flow", out JsonElement flow) && flow.GetString() is { } name
                ? (name, index)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
