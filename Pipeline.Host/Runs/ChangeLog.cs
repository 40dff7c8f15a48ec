using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary>
/// <c>changes.jsonl</c>: which keys of a run's definition were changed, and when. The report includes it, because the results are then not those of
/// a single definition.
/// </summary>
internal static class ChangeLog
{
    public static void Append(IStorage storage, string folder, IReadOnlyList<DefinitionChange> changes, DateTimeOffset time)
    {
        if (changes.Count == 0)
            return;
        using Stream stream = storage.OpenAppend(Path.Combine(folder, RunFiles.Changes));
        foreach (DefinitionChange change in changes)
        {
            var line = new JsonObject
            {
                ["time"] = time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                ["key"] = change.Path,
                ["was"] = change.Was,
                ["is"] = change.Is,
            };
            stream.Write(System.Text.Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
        }
        stream.Flush();
    }

    /// <summary>All changes, the oldest first. Null if there is no such file.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static JsonArray? Read(IStorage storage, string path)
    {
        if (!storage.FileExists(path))
            return null;
        using var reader = new StreamReader(storage.OpenRead(path));
        var changes = new JsonArray();
        while (reader.ReadLine() is { } line)
        {
            try
            {
                changes.Add(JsonNode.Parse(line));
            }
            catch (JsonException e)
            {
                throw new InputException($"{path} is damaged: {e.Message}; delete it: it only records what was changed", e);
            }
        }
        return changes;
    }
}
