using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Progress;

/// <summary>
/// Writes the values of a training to <c>metrics.jsonl</c>, one line for each step of a stage, and as TensorBoard events. After a resume, the steps since
/// the last checkpoint are written again. The later line of a step is then the valid one.
/// </summary>
internal sealed class MetricsLog(IStorage storage, string runFolder, TimeProvider time) : IScalarLog, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, double> _values = [];
    private (string Flow, string Stage, long Step) _current;
    private Stream? _lines;
    private EventFile? _events;

    public void Write(string flow, string stage, string name, long step, double value)
    {
        lock (_lock)
        {
            if (_current != (flow, stage, step))
                WriteLine();
            _current = (flow, stage, step);
            _values[name] = value;
            _events ??= EventFile.Create(storage, Path.Combine(runFolder, RunFiles.TensorBoard), time.GetUtcNow());
            _events.Scalar($"{flow}/{name}", step, value, time.GetUtcNow());
        }
    }

    /// <summary>Writes the line of the last step. Until then it is held back, because further values of the step may follow.</summary>
    public void Flush()
    {
        lock (_lock)
            WriteLine();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            WriteLine();
            _lines?.Dispose();
            _events?.Dispose();
        }
    }

    private void WriteLine()
    {
        if (_values.Count == 0)
            return;
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("flow", _current.Flow);
            json.WriteString("stage", _current.Stage);
            json.WriteNumber("step", _current.Step);
            foreach ((string name, double value) in _values)
            {
                // JSON has no infinity and no NaN, but a reader must see that a loss was one.
                if (double.IsFinite(value))
                    json.WriteNumber(name, value);
                else
                    json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
            }
            json.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        _lines ??= storage.OpenAppend(Path.Combine(runFolder, RunFiles.Metrics));
        _lines.Write(buffer.GetBuffer(), 0, (int)buffer.Length);
        _lines.Flush();
        _values.Clear();
    }
}
