using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Pages;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Watching;

/// <summary>A run folder that is read again and again. Thread-safe.</summary>
internal sealed class WatchedRun(StageCatalog catalog, IStorage storage, TimeProvider time, string folder)
{
    private readonly Lock _lock = new();
    private readonly RunStatusReader _status = new(catalog, storage, time, folder);

    /// <summary>The full path of the folder.</summary>
    public string Folder => folder;

    /// <summary>Reads what the files say now.</summary>
    /// <exception cref="InputException">It is not a run folder, or its files are damaged.</exception>
    public WatchedFacts Read()
    {
        lock (_lock)
        {
            return new WatchedFacts(
                folder, time.GetUtcNow(), _status.Read(), MetricSeries.Read(storage, folder),
                JsonTail.Read(storage, Path.Combine(folder, RunFiles.Rejects)), JsonTail.Read(storage, Path.Combine(folder, RunFiles.Errors)));
        }
    }
}

/// <summary>What the files of a run say at one moment.</summary>
/// <param name="Folder">The full path of the folder.</param>
/// <param name="Now">The moment.</param>
/// <param name="Status">The progress of flows and parts.</param>
/// <param name="Metrics">What training has logged.</param>
/// <param name="Rejects">The last lines of rejects, the oldest first.</param>
/// <param name="Errors">The last errors that ended the run, the oldest first.</param>
internal sealed record WatchedFacts(
    string Folder, DateTimeOffset Now, RunStatus Status, IReadOnlyList<MetricSeries> Metrics, IReadOnlyList<JsonObject> Rejects, IReadOnlyList<JsonObject> Errors);
