using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Files;

/// <summary>The last lines of a file with a JSON object on each, which others may append to meanwhile.</summary>
internal static class JsonTail
{
    private const int MostBytes = 1 << 18;

    /// <summary>The objects on the lines within the last quarter of a megabyte, oldest first; a line that is cut at either end is left out.</summary>
    public static IReadOnlyList<JsonObject> Read(IStorage storage, string path)
    {
        if (!storage.FileExists(path))
            return [];
        using Stream stream = storage.OpenRead(path);
        long start = Math.Max(0, stream.Length - MostBytes);
        stream.Position = start;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        if (start > 0)
            reader.ReadLine();
        var objects = new List<JsonObject>();
        while (reader.ReadLine() is { } line)
        {
            if (Parse(line) is { } found)
                objects.Add(found);
        }
        return objects;
    }

    /// <summary>A string of an object; null where it has none of that name.</summary>
    public static string? Text(this JsonObject line, string name) => line[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
