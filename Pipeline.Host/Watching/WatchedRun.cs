using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Pages;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Watching;

/// <summary>A run folder that is looked at again and again.</summary>
internal sealed class WatchedRun(StageCatalog catalog, IStorage storage, TimeProvider time, string folder)
{
    private readonly Lock _lock = new();
    private readonly RunStatusReader _status = new(catalog, storage, time, folder);

    /// <summary>Full path.</summary>
    public string Folder => folder;

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
/// <param name="Folder">Full path.</param>
/// <param name="Now">When.</param>
/// <param name="Status">Flows and parts.</param>
/// <param name="Metrics">What training logged.</param>
/// <param name="Rejects">The last lines of rejects, oldest first.</param>
/// <param name="Errors">What ended the run before, oldest first.</param>
internal sealed record WatchedFacts(
    string Folder, DateTimeOffset Now, RunStatus Status, IReadOnlyList<MetricSeries> Metrics, IReadOnlyList<JsonObject> Rejects, IReadOnlyList<JsonObject> Errors);
