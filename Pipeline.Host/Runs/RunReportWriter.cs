using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Runs;

/// <summary>
/// Writes <c>report.json</c>: the counts of every flow, whether torch may read freed numbers (<see cref="TorchLoader.ScalarFault"/>), changes of the
/// definition, and under <c>parts</c> what stages have left as <c>report/NAME.json</c>.
/// </summary>
internal static class RunReportWriter
{
    private const int MaxPartBytes = 16 << 20;

    public static void Write(IStorage storage, RunFolder folder, LoadedDefinition definition)
    {
        var flows = new JsonObject();
        foreach (string name in definition.Definition.Flows.Select(f => f.Name))
        {
            if (folder.Progress.Flows.TryGetValue(name, out FlowState? state))
                flows[name] = new JsonObject { ["seconds"] = Math.Round(state.Seconds, 3), ["stages"] = JsonSerializer.SerializeToNode(state.Total(), RunReport.Layout) };
        }
        var report = new JsonObject
        {
            ["run"] = definition.Definition.Name,
            ["definition"] = definition.Hash,
            ["seed"] = definition.Definition.Seed,
            ["flows"] = flows,
            ["parts"] = Parts(storage, folder.File(RunFiles.ReportParts)),
        };
        // If no flow of this process used torch, there is nothing to say about it.
        if (TorchLoader.LoadedFrom is not null)
            report["torch"] = new JsonObject { ["scalars"] = TorchLoader.ScalarFault ?? "kept until they are read" };
        if (ChangeLog.Read(storage, folder.File(RunFiles.Changes)) is { } changes)
            report["changes"] = changes;
        storage.WriteAtomically(folder.File(RunFiles.Report), stream => JsonSerializer.Serialize(stream, report, RunReport.Layout));
    }

    private static JsonObject Parts(IStorage storage, string folder)
    {
        var parts = new JsonObject();
        foreach (string path in storage.List(folder).Where(p => p.EndsWith(".json", StringComparison.Ordinal) && !Staging.IsStaging(p)))
        {
            try
            {
                if (storage.Length(path) > MaxPartBytes)
                    throw new JsonException($"larger than {MaxPartBytes} bytes");
                using Stream stream = storage.OpenRead(path);
                parts[Path.GetFileNameWithoutExtension(path)] = JsonNode.Parse(stream);
            }
            catch (JsonException e)
            {
                throw new InputException($"{path}: not JSON that can go into a report: {e.Message}; delete it and run again", e);
            }
        }
        return parts;
    }
}
