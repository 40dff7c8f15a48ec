using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>
/// The progress of a run, from <c>progress.json</c> and the files of parts: which flows are done, from which definition they were made, and their counts.
/// It only adds to what the outputs say: whether a shard or a checkpoint exists is decided by that file alone.
/// </summary>
internal sealed class RunProgress
{
    private const int Format = 1;
    private const int MaxBytes = 64 << 20;

    private static readonly JsonSerializerOptions Layout = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        MaxDepth = 16,
    };

    private readonly IStorage _storage;
    private readonly string _path;
    private readonly SortedDictionary<string, FlowState> _flows;

    private RunProgress(IStorage storage, string runFolder, SortedDictionary<string, FlowState> flows)
    {
        _storage = storage;
        _path = Path.Combine(runFolder, RunFiles.Progress);
        _flows = flows;
        Parts = new PartFiles(storage, runFolder);
    }

    /// <summary>The files of parts. Other processes may add to them at any time.</summary>
    public PartFiles Parts { get; }

    /// <summary>The state of every flow that anything is known of, by name.</summary>
    public IReadOnlyDictionary<string, FlowState> Flows
    {
        get
        {
            var flows = new SortedDictionary<string, FlowState>(StringComparer.Ordinal);
            foreach (string flow in _flows.Keys.Concat(Parts.Flows))
            {
                if (!flows.ContainsKey(flow) && (_flows.GetValueOrDefault(flow)?.Hash ?? Parts.All(flow).FirstOrDefault()?.Hash) is { } hash)
                    flows[flow] = Of(flow, hash);
            }
            return flows;
        }
    }

    /// <summary>Reads the progress of a run folder. A folder that has no such file has done nothing.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static RunProgress Read(IStorage storage, string runFolder)
    {
        string path = Path.Combine(runFolder, RunFiles.Progress);
        if (!storage.FileExists(path))
            return new RunProgress(storage, runFolder, new SortedDictionary<string, FlowState>(StringComparer.Ordinal));
        Document document = Parse(storage, path);
        if (document.Format != Format)
            throw new InputException($"{path}: format {document.Format}, expected {Format}; it was written by another version of alm");
        return new RunProgress(storage, runFolder, new SortedDictionary<string, FlowState>(document.Flows, StringComparer.Ordinal));
    }

    /// <summary>The state of a flow, including its parts so far. What was made from another definition does not count.</summary>
    /// <param name="flow">The name of the flow.</param>
    /// <param name="hash">The hash of everything that decides the flow's results.</param>
    public FlowState Of(string flow, string hash)
    {
        FlowState state = Kept(flow, hash);
        var parts = new SortedDictionary<int, IReadOnlyList<StageCounts>>(state.Partitions);
        double seconds = state.Seconds;
        foreach (PartRecord part in Parts.Done(flow, hash))
        {
            parts[part.Part] = part.Stages;
            seconds += part.Seconds;
        }
        return state with { Partitions = parts, Seconds = seconds };
    }

    /// <summary>Sets the state of a flow and writes the file in one step.</summary>
    public void Set(string flow, FlowState state)
    {
        _flows[flow] = state;
        Write();
    }

    /// <summary>Writes that a flow in parts is done. Its counts are in the files of its parts.</summary>
    public void SetDone(string flow, string hash) => Set(flow, Kept(flow, hash) with { Done = true });

    /// <summary>Marks every flow as not done, so that the next run looks at all outputs again.</summary>
    public void Reopen()
    {
        foreach (string flow in _flows.Keys.ToList())
            _flows[flow] = _flows[flow] with { Done = false };
        Write();
    }

    /// <summary>Deletes everything that is known of these flows, including the files of their parts.</summary>
    public void Forget(IEnumerable<string> flows)
    {
        foreach (string flow in flows)
        {
            _flows.Remove(flow);
            _storage.DeleteDirectory(Parts.FolderOf(flow));
        }
        Write();
    }

    private FlowState Kept(string flow, string hash)
        => _flows.TryGetValue(flow, out FlowState? state) && state.Hash == hash ? state : new FlowState { Hash = hash };

    private void Write() => _storage.WriteAtomically(
        _path, stream => JsonSerializer.Serialize(stream, new Document { Format = Format, Flows = _flows }, Layout));

    private static Document Parse(IStorage storage, string path)
    {
        try
        {
            if (storage.Length(path) > MaxBytes)
                throw new JsonException($"{storage.Length(path)} bytes, expected at most {MaxBytes}");
            using Stream stream = storage.OpenRead(path);
            Document? document = JsonSerializer.Deserialize<Document>(stream, Layout);
            return document?.Flows is null || document.Flows.Values.Any(f => f?.Hash is null || f.Stages is null || f.Partitions is null)
                ? throw new JsonException("keys are missing")
                : document;
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is damaged: {e.Message}; delete it and run again: what is committed is not computed again", e);
        }
    }

    private sealed record Document
    {
        public int Format { get; init; }

        public SortedDictionary<string, FlowState> Flows { get; init; } = [];
    }
}

/// <summary>The state of a flow.</summary>
internal sealed record FlowState
{
    /// <summary>The hash of everything that decides the flow's results.</summary>
    public required string Hash { get; init; }

    public bool Done { get; init; }

    /// <summary>The time spent on what is done, over all runs and processes.</summary>
    public double Seconds { get; init; }

    /// <summary>The counts of a flow that is one piece, from its last run.</summary>
    public IReadOnlyList<StageCounts> Stages { get; init; } = [];

    /// <summary>The counts of each part, by its number. In <c>progress.json</c> only earlier versions wrote them: a part has a file of its own now.</summary>
    public SortedDictionary<int, IReadOnlyList<StageCounts>> Partitions { get; init; } = [];

    /// <summary>The counts of each stage over the whole flow, in order.</summary>
    public IReadOnlyList<StageCounts> Total()
        => Partitions.Count == 0
            ? Stages
            : Partitions.Values.Aggregate((sum, part) => sum.Count == part.Count ? sum.Zip(part, (a, b) => a.Plus(b)).ToList() : sum);
}
