using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Runs;

/// <summary>
/// <c>report.json</c>: what every flow counted, and under <c>parts</c> whatever stages left as <c>report/NAME.json</c>.
/// </summary>
internal static class RunReport
{
    private const int MaxPartBytes = 16 << 20;
    private const int MaxBytes = 256 << 20;

    internal static readonly JsonSerializerOptions Layout = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
    };

    public static void Write(IStorage storage, RunFolder folder, LoadedDefinition definition)
    {
        var flows = new JsonObject();
        foreach (string name in definition.Definition.Flows.Select(f => f.Name))
        {
            if (folder.Progress.Flows.TryGetValue(name, out FlowState? state))
                flows[name] = new JsonObject { ["seconds"] = Math.Round(state.Seconds, 3), ["stages"] = JsonSerializer.SerializeToNode(state.Total(), Layout) };
        }
        var report = new JsonObject
        {
            ["run"] = definition.Definition.Name,
            ["definition"] = definition.Hash,
            ["seed"] = definition.Definition.Seed,
            ["flows"] = flows,
            ["parts"] = Parts(storage, folder.File(RunFiles.ReportParts)),
        };
        storage.WriteAtomically(folder.File(RunFiles.Report), stream => JsonSerializer.Serialize(stream, report, Layout));
    }

    /// <summary>Reads a run's report and makes of it what the caller needs.</summary>
    /// <exception cref="InputException">The run is not done, or <paramref name="use"/> finds its report to be none.</exception>
    public static T Read<T>(IStorage storage, string folder, Func<JsonObject, T> use)
    {
        string file = Path.Combine(Path.GetFullPath(folder), RunFiles.Report);
        if (!storage.FileExists(file))
            throw new InputException($"{file} is not there: it is written when a run is done; alm inspect says how far this one is");
        try
        {
            if (storage.Length(file) > MaxBytes)
                throw new JsonException($"{storage.Length(file)} bytes, expected at most {MaxBytes}");
            using Stream stream = storage.OpenRead(file);
            return use(JsonNode.Parse(stream) as JsonObject ?? throw new JsonException("expected an object"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{file} is no report of a run: {e.Message}; run the definition again to write it anew", e);
        }
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
                throw new InputException($"{path}: no JSON that a report can take in: {e.Message}; delete it and run again", e);
            }
        }
        return parts;
    }
}
