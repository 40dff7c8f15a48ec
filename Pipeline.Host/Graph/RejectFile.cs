using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Graph;

/// <summary>
/// <c>rejects.jsonl</c>: one line for every record that a stage could not use. When a part of a flow is computed again after a stop, its lines are
/// appended again. Each line names the part that it belongs to.
/// </summary>
internal sealed class RejectFile(IStorage storage, string path) : IRejectLog, IDisposable
{
    private readonly Lock _lock = new();
    private Stream? _stream;

    public void Append(byte[] line)
    {
        lock (_lock)
        {
            _stream ??= storage.OpenAppend(path);
            _stream.Write(line);
            _stream.Flush();
        }
    }

    /// <summary>How many lines the file has for each part of a flow. Parts without lines are not in the result.</summary>
    public Dictionary<int, long> LinesOf(string flow)
    {
        var lines = new Dictionary<int, long>();
        if (!storage.FileExists(path))
            return lines;
        using var reader = new StreamReader(storage.OpenRead(path));
        while (reader.ReadLine() is { } line)
        {
            if (RejectLine.PartOf(line) is { } part && part.Flow == flow)
                lines[part.Partition] = lines.GetValueOrDefault(part.Partition) + 1;
        }
        return lines;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _stream?.Dispose();
            _stream = null;
        }
    }
}
