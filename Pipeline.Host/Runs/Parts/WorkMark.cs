using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// A sign of life: a file under a staging name, next to the parts of a flow while a process works on one of them, or in the run folder while it works on
/// a flow of one piece. A line is written to it now and then: other machines see by that alone that the process lives, and how far it is.
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

    /// <param name="storage">Where the run is.</param>
    /// <param name="folder">Of the flow's parts.</param>
    /// <param name="part">From 0.</param>
    /// <param name="meter">Counts what is done.</param>
    /// <param name="time">Says when to write.</param>
    public static WorkMark OfPart(IStorage storage, string folder, int part, FlowMeter meter, TimeProvider time)
        => new(storage, Path.Combine(folder, part.ToString("00000", CultureInfo.InvariantCulture) + Suffix), meter, time);

    /// <summary>Of a flow that is one piece.</summary>
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

    /// <summary>The marks in a flow's folder: which part, whose, and the file.</summary>
    public static IEnumerable<(int Part, ProcessIdentity Owner, string Path)> OfParts(IStorage storage, string folder)
    {
        foreach ((string name, ProcessIdentity owner, string path) in In(storage, folder))
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int part))
                yield return (part, owner, path);
        }
    }

    /// <summary>The marks of a flow of one piece: whose, and the file.</summary>
    public static IEnumerable<(ProcessIdentity Owner, string Path)> OfFlow(IStorage storage, string runFolder, string flow)
        => In(storage, runFolder).Where(m => m.Name == flow).Select(m => (m.Owner, m.Path));

    /// <summary>Parts that other living processes are at.</summary>
    public static HashSet<int> OfOthers(IStorage storage, string folder)
        => [.. OfParts(storage, folder).Where(m => m.Owner != storage.Process && Staging.IsAtWork(storage, m.Path)).Select(m => m.Part)];

    /// <summary>What the last whole line of a mark says; null where there is none yet.</summary>
    public static LiveCounts? Read(IStorage storage, string path)
    {
        try
        {
            return JsonTail.Read(storage, path) is [.., { } last] ? last.Deserialize<LiveCounts>(Layout) : null;
        }
        catch (Exception e) when (e is StorageException or JsonException)
        {
            // It went away in between, or is another version's.
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
                // A full disk ends the part where it writes what matters.
            }
        }
    }
}
