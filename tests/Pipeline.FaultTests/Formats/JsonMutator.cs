using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.FaultTests.Formats;

/// <summary>A stranger who knows the manifests: changes a value, or the text, and puts the right checksum at the end.</summary>
internal static class JsonMutator
{
    private static readonly Func<JsonNode?>[] Values =
    [
        () => null, () => -1, () => int.MaxValue, () => long.MaxValue, () => 1e99, () => 0.5, () => true, () => "", () => "../../x", () => new string('a', 5000),
        () => new JsonObject(), () => new JsonArray(), () => new JsonArray(null, null), () => new JsonObject { ["index"] = 0 }, () => "a\0b",
    ];

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Mutate(byte[] file, Random random, ShardMutator bytes)
    {
        var root = JsonNode.Parse(file)!.AsObject();
        root.Remove("checksum");
        byte[] json = Encoding.UTF8.GetBytes(root.ToJsonString(new() { WriteIndented = true, NewLine = "\n" }));
        if (random.Next(3) == 0)
        {
            json = [.. bytes.Bytes(json[..^2]), .. "\n}"u8];
        }
        else
        {
            Change(root, random);
            json = Encoding.UTF8.GetBytes(root.ToJsonString(new() { WriteIndented = true, NewLine = "\n" }));
        }
        byte[] body = json[..^2];
        return [.. body, .. Encoding.ASCII.GetBytes($",\n  \"checksum\": \"{XxHash3.HashToUInt64(body):x16}\"\n}}\n")];
    }

    /// <summary>JSON without a checksum: some values changed, also to words that the format knows.</summary>
    public static byte[] Plain(byte[] json, Random random, string[] words)
    {
        JsonNode root = JsonNode.Parse(json)!;
        for (int i = random.Next(1, 4); i > 0; i--)
            Change(root, random, words);
        if (random.Next(40) == 0)
            root["deep"] = JsonNode.Parse($"{new string('[', 60)}{new string(']', 60)}");
        return Encoding.UTF8.GetBytes(root.ToJsonString(Relaxed));
    }

    private static void Change(JsonNode node, Random random, string[]? words = null)
    {
        JsonNode[] children = [.. Children(node)];
        if (children.Length > 0 && random.Next(words is null ? 3 : 8) > 0)
        {
            Change(children[random.Next(children.Length)], random, words);
            return;
        }
        JsonNode? value = words is null || random.Next(2) == 0 ? Values[random.Next(Values.Length)]() : Word(node, random, words);
        switch (node.Parent)
        {
            case JsonObject parent when random.Next(6) == 0:
                parent.Remove(node.GetPropertyName());
                break;
            case JsonObject parent when random.Next(6) == 0:
                parent["extra"] = value;
                break;
            case JsonObject parent:
                parent[node.GetPropertyName()] = value;
                break;
            case JsonArray parent when random.Next(3) == 0:
                parent.Add(node.DeepClone());
                break;
            case JsonArray parent:
                parent[node.GetElementIndex()] = value;
                break;
            default:
                node.AsObject()["extra"] = value;
                break;
        }
    }

    // A word, or the text that is there with a piece of it changed; of a number its neighbours and its multiples.
    private static JsonNode? Word(JsonNode node, Random random, string[] words)
    {
        if (node is JsonValue number && number.TryGetValue(out long whole))
            return random.Next(5) switch { 0 => whole + 1, 1 => whole - 1, 2 => whole * 1000, 3 => -whole, _ => whole * 2 };
        if (node is not JsonValue value || !value.TryGetValue(out string? text) || text.Length == 0 || random.Next(2) == 0)
            return words[random.Next(words.Length)];
        int at = random.Next(text.Length), end = Math.Min(text.Length, at + random.Next(1, 6));
        return random.Next(3) switch
        {
            0 => text[..at] + text[end..],
            1 => text[..end] + text[at..],
            _ => text[..at] + words[random.Next(words.Length)] + text[at..],
        };
    }

    private static IEnumerable<JsonNode> Children(JsonNode node) => (node switch
    {
        JsonObject o => o.Select(p => p.Value),
        JsonArray a => a,
        _ => [],
    }).OfType<JsonNode>();
}
