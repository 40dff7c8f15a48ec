using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// A sign of life: a file under a staging name, which lies next to the files of a flow's parts while a process works on one of them, or in the run folder
/// while it works on a flow that is one piece. Every ten seconds a line is added. From these lines other machines learn that the process lives, and how
/// far it is.
/// </summary>
internal sealed class WorkMark : IDisposable
{
    private const string Suffix = ".running";
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(10);
    private static readonly JsonSerializerOptions Layout = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly StagedFile _file;
    private readonly FlowMeter _meter;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private bool _ended;

    private WorkMark(IStorage storage, string path, FlowMeter meter, TimeProvider time)
    {
        (_meter, _time, _start) = (meter, time, time.GetTimestamp());
        _file = new StagedFile(storage, path);
        _timer = time.CreateTimer(_ => Write(), null, Beat, Beat);
    }

    /// <summary>Begins the mark of a part. It is deleted when it is disposed of.</summary>
    /// <param name="storage">The storage that the run is in.</param>
    /// <param name="folder">The folder of the flow's part files.</param>
    /// <param name="part">The number of the part, from 0.</param>
    /// <param name="meter">Counts what is done.</param>
    /// <param name="time">Says when to write a line.</param>
    public static WorkMark OfPart(IStorage storage, string folder, int part, FlowMeter meter, TimeProvider time)
        => new(storage, Path.Combine(folder, part.ToString("00000", CultureInfo.InvariantCulture) + Suffix), meter, time);

    /// <summary>Begins the mark of a flow that is one piece. It is deleted when it is disposed of.</summary>
    public static WorkMark OfFlow(IStorage storage, string runFolder, FlowMeter meter, TimeProvider time)
        => new(storage, Path.Combine(runFolder, meter.Flow + Suffix), meter, time);

    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            _ended = true;
            _file.Dispose();
        }
    }

    /// <summary>The marks in the folder of a flow's part files: the part, the process that works on it, and the path of the mark.</summary>
    public static IEnumerable<(int Part, ProcessIdentity Owner, string Path)> OfParts(IStorage storage, string folder)
    {
        foreach ((string name, ProcessIdentity owner, string path) in In(storage, folder))
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int part))
                yield return (part, owner, path);
        }
    }

    /// <summary>The marks of a flow that is one piece: the process that works on it, and the path of the mark.</summary>
    public static IEnumerable<(ProcessIdentity Owner, string Path)> OfFlow(IStorage storage, string runFolder, string flow)
        => In(storage, runFolder).Where(m => m.Name == flow).Select(m => (m.Owner, m.Path));

    /// <summary>The parts that other processes, as far as they may still live, are working on.</summary>
    public static HashSet<int> OfOthers(IStorage storage, string folder)
        => [.. OfParts(storage, folder).Where(m => m.Owner != storage.Process && Staging.IsAtWork(storage, m.Path)).Select(m => m.Part)];

    /// <summary>What the last complete line of a mark says. Null if there is none.</summary>
    public static LiveCounts? Read(IStorage storage, string path)
    {
        try
        {
            return JsonTail.Read(storage, path) is [.., { } last] ? last.Deserialize<LiveCounts>(Layout) : null;
        }
        catch (Exception e) when (e is StorageException or JsonException)
        {
            // The mark was deleted in the meantime, or another version has written it.
            return null;
        }
    }

    private static IEnumerable<(string Name, ProcessIdentity Owner, string Path)> In(IStorage storage, string folder)
    {
        foreach (string path in storage.List(folder).Where(Staging.IsStaging))
        {
            if (Staging.TargetOf(path) is { } name && name.EndsWith(Suffix, StringComparison.Ordinal) && Staging.OwnerOf(path) is { } owner)
                yield return (name[..^Suffix.Length], owner, path);
        }
    }

    private void Write()
    {
        lock (_lock)
        {
            if (_ended)
                return;
            try
            {
                _file.Stream.Write(JsonSerializer.SerializeToUtf8Bytes(_meter.Live(_time.GetElapsedTime(_start)), Layout));
                _file.Stream.WriteByte((byte)'\n');
                _file.Stream.Flush();
            }
            catch (StorageException)
            {
                // If the disk is full, the part itself fails where it writes its output.
            }
        }
    }
}
