using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary>Takes back what a flow and all later flows have done, so that a run makes them again (<c>alm run --from</c>).</summary>
internal static class FlowRestart
{
    /// <summary>
    /// Forgets the progress of the flows, then deletes what they wrote. A run that is stopped between the two finds outputs without progress. It
    /// keeps those that are complete and makes the others.
    /// </summary>
    /// <param name="storage">The storage that the run is in.</param>
    /// <param name="folder">The run folder, which this process holds.</param>
    /// <param name="run">The run's definition.</param>
    /// <param name="catalog">Says what stages write.</param>
    /// <param name="from">The name of the first flow to take back.</param>
    /// <returns>The outputs that were deleted, relative to the run folder.</returns>
    public static IReadOnlyList<string> Apply(IStorage storage, RunFolder folder, RunDefinition run, StageCatalog catalog, string from)
    {
        List<FlowDefinition> flows = [.. run.Flows.SkipWhile(f => f.Name != from)];
        HashSet<string> names = [.. flows.Select(f => f.Name)];
        folder.Progress.Forget(names);
        List<string> deleted = [];
        foreach (StageOutput output in flows.SelectMany(f => f.Stages).SelectMany(s => catalog[s.Kind.Value].Outputs(s.Options)))
        {
            string path = RunPaths.Output(folder.Path, output.Path);
            if (storage.DirectoryExists(path)) storage.DeleteDirectory(path);
            else if (storage.FileExists(path)) storage.DeleteFile(path);
            else continue;
            deleted.Add(output.Path);
        }
        DropLines(storage, folder.File(RunFiles.Rejects), names);
        DropLines(storage, folder.File(RunFiles.Metrics), names);
        return deleted;
    }

    // Removes the lines of these flows from a file of JSON lines, and any line that was cut off when a process was killed.
    private static void DropLines(IStorage storage, string path, HashSet<string> flows)
    {
        if (!storage.FileExists(path))
            return;
        storage.WriteAtomically(path, stream =>
        {
            using var reader = new StreamReader(storage.OpenRead(path));
            while (reader.ReadLine() is { } line)
            {
                if (FlowOf(line) is { } flow && !flows.Contains(flow))
                    stream.Write(Encoding.UTF8.GetBytes(line + "\n"));
            }
        });
    }

    private static string? FlowOf(string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("flow", out JsonElement flow) ? flow.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
