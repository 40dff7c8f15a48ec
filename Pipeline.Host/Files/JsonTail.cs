using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Files;

/// <summary>Reads the last lines of a file of JSON objects, one on each line. Other processes may append to it meanwhile.</summary>
internal static class JsonTail
{
    private const int MostBytes = 1 << 18;

    /// <summary>
    /// The objects in the last 256 KiB of the file, the oldest first. Lines that are cut at either end are left out. Empty if there is no such file.
    /// </summary>
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

    /// <summary>The string under a name; null if the object has none there.</summary>
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
