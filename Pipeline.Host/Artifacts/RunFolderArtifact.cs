using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Pipeline.Host.Runs.Parts;
using Pipeline.Stages.Artifacts;

namespace Pipeline.Host.Artifacts;

/// <summary>A run folder: which of its flows are done, and their counts.</summary>
internal sealed class RunFolderArtifact : IArtifactKind
{
    public string Name => "run folder";

    public bool Recognises(IStorage storage, string path)
        => storage.DirectoryExists(path)
            && (storage.FileExists(Path.Combine(path, RunFiles.Definition)) || storage.FileExists(Path.Combine(path, RunFiles.Lock)));

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        RunProgress progress = RunProgress.Read(storage, path);
        var rows = new List<(string Name, string Value)>();
        var flows = new JsonObject();
        if (progress.Flows.Count == 0)
            rows.Add(("flows", "no flow has committed anything"));
        foreach ((string flow, FlowState state) in progress.Flows)
        {
            IReadOnlyList<StageCounts> total = state.Total();
            rows.Add(($"flow '{flow}'", string.Create(CultureInfo.InvariantCulture, $"{(state.Done ? "done" : "begun")}, {state.Seconds:F1} s{Parts(state)}")));
            rows.AddRange(total.Select(c => ("  " + c.Stage, string.Create(CultureInfo.InvariantCulture, $"{c.In} in, {c.Out} out, {c.Rejected} rejected"))));
            flows[flow] = new JsonObject
            {
                ["done"] = state.Done,
                ["seconds"] = state.Seconds,
                ["parts"] = state.Partitions.Count,
                ["stages"] = JsonSerializer.SerializeToNode(total, RunReport.Layout),
            };
        }
        return new ArtifactFacts(rows, new JsonObject { ["flows"] = flows });
    }

    /// <summary>Checks the files that the host itself keeps, in every run folder at or below a folder. Links are not followed.</summary>
    /// <returns>What is wrong.</returns>
    public static IEnumerable<Finding> Verify(IStorage storage, string root)
    {
        var kind = new RunFolderArtifact();
        var pending = new Stack<string>([root]);
        while (pending.TryPop(out string? folder))
        {
            if (kind.Recognises(storage, folder))
            {
                if (Failure(() => RunProgress.Read(storage, folder)) is { } damaged)
                    yield return new Finding(FindingKind.Damaged, Path.Combine(folder, RunFiles.Progress), damaged);
                foreach ((string path, string message) in new PartFiles(storage, folder).Verify())
                    yield return new Finding(FindingKind.Damaged, path, message);
                foreach (string path in ((string[])[RunFiles.Definition, RunFiles.Report]).Select(name => Path.Combine(folder, name)).Where(storage.FileExists))
                {
                    if (Failure(() => Parse(storage, path)) is { } unreadable)
                        yield return new Finding(FindingKind.Damaged, path, $"{path} is not JSON: {unreadable}");
                }
            }
            foreach (string entry in storage.List(folder).Where(e => storage.DirectoryExists(e) && !storage.IsLink(e) && !Staging.IsStaging(e)))
                pending.Push(entry);
        }
    }

    private static void Parse(IStorage storage, string path)
    {
        using Stream stream = storage.OpenRead(path);
        using JsonDocument document = JsonDocument.Parse(stream);
    }

    private static string? Failure(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (Exception e) when (e is InputException or JsonException)
        {
            return e.Message;
        }
    }

    private static string Parts(FlowState state)
        => state.Partitions.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {state.Partitions.Count} parts");
}
