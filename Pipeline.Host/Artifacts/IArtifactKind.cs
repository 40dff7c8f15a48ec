using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>A kind of file or folder that <c>inspect</c> knows; see <see cref="ArtifactTable"/>.</summary>
internal interface IArtifactKind
{
    /// <summary>"shard", "checkpoint": as messages name it.</summary>
    string Name { get; }

    /// <summary>Whether the path is of this kind: cheap, and without trusting what is in it.</summary>
    bool Recognises(IStorage storage, string path);

    /// <summary>What it is and what it holds.</summary>
    /// <exception cref="Contracts.Errors.AlmException">It is damaged.</exception>
    ArtifactFacts Inspect(IStorage storage, string path);
}

/// <summary>What <c>inspect</c> prints.</summary>
/// <param name="Rows">Name and value, as a table shows them.</param>
/// <param name="Json">The same for programs.</param>
internal sealed record ArtifactFacts(IReadOnlyList<(string Name, string Value)> Rows, JsonNode Json)
{
    /// <summary>Facts that read the same in both; a null is left out of the table.</summary>
    public static ArtifactFacts Of(params IEnumerable<(string Name, JsonNode? Value)> facts)
    {
        List<(string Name, JsonNode? Value)> all = [.. facts];
        return new ArtifactFacts(
            [.. all.Where(f => f.Value is not null).Select(f => (f.Name, f.Value is JsonArray list ? string.Join(", ", list) : f.Value!.ToString()))],
            new JsonObject(all.Select(f => KeyValuePair.Create(Key(f.Name), f.Value))));
    }

    public ArtifactFacts With(string name, ArtifactFacts more)
    {
        JsonObject json = Json.DeepClone().AsObject();
        json[name] = more.Json.DeepClone();
        return new ArtifactFacts([.. Rows, .. more.Rows], json);
    }

    // "hidden size" is hiddenSize.
    private static string Key(string name)
        => string.Concat(name.Split(' ').Select((word, i) => i == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));
}
