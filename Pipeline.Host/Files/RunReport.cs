using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Files;

/// <summary>Reads <c>report.json</c>, for showing and comparing runs. RunReportWriter says what is in it.</summary>
internal static class RunReport
{
    private const int MaxBytes = 256 << 20;

    internal static readonly JsonSerializerOptions Layout = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>Reads the report of a run.</summary>
    /// <param name="storage">The storage that the run is in.</param>
    /// <param name="folder">The run folder.</param>
    /// <param name="use">Takes what the caller needs from the report. Its JSON exceptions mean that the file is not a report.</param>
    /// <exception cref="InputException">The run is not done, or the file is not a report.</exception>
    public static T Read<T>(IStorage storage, string folder, Func<JsonObject, T> use)
    {
        string file = Path.Combine(Path.GetFullPath(folder), RunFiles.Report);
        if (!storage.FileExists(file))
            throw new InputException($"{file} does not exist: it is written when a run is done; alm inspect says how far this one has got");
        try
        {
            if (storage.Length(file) > MaxBytes)
                throw new JsonException($"{storage.Length(file)} bytes, expected at most {MaxBytes}");
            using Stream stream = storage.OpenRead(file);
            return use(JsonNode.Parse(stream) as JsonObject ?? throw new JsonException("expected an object"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{file} is not the report of a run: {e.Message}; run the definition again to rewrite it", e);
        }
    }
}
