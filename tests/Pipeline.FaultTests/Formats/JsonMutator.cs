using System.IO.Hashing;
using System.Text;
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

    private static void Change(JsonNode node, Random random)
    {
        JsonNode[] children = [.. Children(node)];
        if (children.Length > 0 && random.Next(3) > 0)
        {
            Change(children[random.Next(children.Length)], random);
            return;
        }
        JsonNode? value = Values[random.Next(Values.Length)]();
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

    private static IEnumerable<JsonNode> Children(JsonNode node) => (node switch
    {
        JsonObject o => o.Select(p => p.Value),
        JsonArray a => a,
        _ => [],
    }).OfType<JsonNode>();
}
