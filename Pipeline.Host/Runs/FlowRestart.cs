using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary>Takes back what a flow and those after it have done, so that a run makes them again.</summary>
internal static class FlowRestart
{
    /// <summary>
    /// First what is known of the flows, then what they wrote: stopped between the two, a run finds whole outputs and takes them, or what
    /// is left of them and makes the rest.
    /// </summary>
    /// <returns>What was deleted, below the run folder.</returns>
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

    // Of a file with one JSON object a line; a line that a kill cut goes with them.
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
