using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Artifacts;

/// <summary>A run folder: which flows are done, and what they counted.</summary>
internal sealed class RunFolderArtifact : IArtifactKind
{
    public string Name => "run folder";

    public bool HoldsOthers => true;

    public bool Recognises(IStorage storage, string path)
        => storage.DirectoryExists(path)
            && (storage.FileExists(Path.Combine(path, RunFiles.Definition)) || storage.FileExists(Path.Combine(path, RunFiles.Lock)));

    public void Inspect(IStorage storage, string path, TextWriter output)
    {
        output.WriteLine($"run folder {path}");
        RunProgress progress = RunProgress.Read(storage, path);
        if (progress.Flows.Count == 0)
            output.WriteLine("  no flow has committed anything");
        foreach ((string flow, FlowState state) in progress.Flows)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  flow '{flow}': {(state.Done ? "done" : "begun")}, {state.Seconds:F1} s{Parts(state)}"));
            foreach (StageCounts counts in state.Total())
            {
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"    {counts.Stage,-20} {counts.In,12} in {counts.Out,12} out {counts.Rejected,8} rejected"));
            }
        }
    }

    public IEnumerable<ArtifactFault> Verify(IStorage storage, string path)
    {
        string progress = Path.Combine(path, RunFiles.Progress);
        if (Failure(() => RunProgress.Read(storage, path)) is { } damaged)
            yield return new ArtifactFault(progress, damaged, [progress]);
        string definition = Path.Combine(path, RunFiles.Definition);
        if (storage.FileExists(definition) && Failure(() => Parse(storage, definition)) is { } unreadable)
            yield return new ArtifactFault(definition, unreadable, [definition]);
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
