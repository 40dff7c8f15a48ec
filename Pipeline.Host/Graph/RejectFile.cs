using System.Text.Json;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Graph;

/// <summary>
/// <c>rejects.jsonl</c>: one line for every record that a stage could not use. A part of a flow that is computed again after a stop
/// appends its lines again; they say which part they are of.
/// </summary>
internal sealed class RejectFile(IStorage storage, string path) : IDisposable
{
    private readonly Lock _lock = new();
    private Stream? _stream;

    public void Append(string flow, Partition? partition, string stage, string id, string reason, string message)
    {
        byte[] line = Line(flow, partition, stage, id, reason, message);
        lock (_lock)
        {
            _stream ??= storage.OpenAppend(path);
            _stream.Write(line);
            _stream.Flush();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _stream?.Dispose();
            _stream = null;
        }
    }

    private static byte[] Line(string flow, Partition? partition, string stage, string id, string reason, string message)
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
}
