using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// A file under a staging name that stands beside the parts of a flow while a process is at one of them. It is written to now and then,
/// because other machines see by that alone that the process lives.
/// </summary>
internal sealed class PartMark : IDisposable
{
    private const string Suffix = ".running";
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(30);

    private readonly StagedFile _file;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private bool _ended;

    public PartMark(IStorage storage, string folder, int part, TimeProvider time)
    {
        _file = new StagedFile(storage, Path.Combine(folder, part.ToString("00000", CultureInfo.InvariantCulture) + Suffix));
        _timer = time.CreateTimer(_ => Write(), null, Beat, Beat);
    }

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
    public static IEnumerable<(int Part, ProcessIdentity Owner, string Path)> In(IStorage storage, string folder)
    {
        foreach (string path in storage.List(folder).Where(Staging.IsStaging))
        {
            if (Staging.TargetOf(path) is { } name && name.EndsWith(Suffix, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(0, name.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int part)
                && Staging.OwnerOf(path) is { } owner)
            {
                yield return (part, owner, path);
            }
        }
    }

    /// <summary>Parts that other living processes are at.</summary>
    public static HashSet<int> OfOthers(IStorage storage, string folder)
        => [.. In(storage, folder).Where(m => m.Owner != storage.Process && Staging.IsAtWork(storage, m.Path)).Select(m => m.Part)];

    private void Write()
    {
        lock (_lock)
        {
            if (_ended)
                return;
            try
            {
                _file.Stream.WriteByte((byte)'.');
                _file.Stream.Flush();
            }
            catch (StorageException)
            {
                // A full disk ends the part where it writes what matters.
            }
        }
    }
}
