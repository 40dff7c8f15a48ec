using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>A kind of file or folder that <c>inspect</c> knows. <see cref="ArtifactTable"/> lists all of them.</summary>
internal interface IArtifactKind
{
    /// <summary>The name of the kind in messages, such as "shard" or "checkpoint".</summary>
    string Name { get; }

    /// <summary>Whether a path is of this kind. It must be cheap, and must not rely on what is in the file.</summary>
    bool Recognises(IStorage storage, string path);

    /// <summary>Reads what is known of an artifact of this kind.</summary>
    /// <exception cref="Contracts.Errors.AlmException">The artifact is damaged.</exception>
    ArtifactFacts Inspect(IStorage storage, string path);
}

/// <summary>What <c>inspect</c> prints about an artifact.</summary>
/// <param name="Rows">The names and values of a table.</param>
/// <param name="Json">The same facts as JSON, for programs.</param>
internal sealed record ArtifactFacts(IReadOnlyList<(string Name, string Value)> Rows, JsonNode Json)
{
    /// <summary>Facts that are the same in the table and in JSON. Null is left out of the table.</summary>
    public static ArtifactFacts Of(params IEnumerable<(string Name, JsonNode? Value)> facts)
    {
        List<(string Name, JsonNode? Value)> all = [.. facts];
        return new ArtifactFacts(
            [.. all.Where(f => f.Value is not null).Select(f => (f.Name, f.Value is JsonArray list ? string.Join(", ", list) : f.Value!.ToString()))],
            new JsonObject(all.Select(f => KeyValuePair.Create(Key(f.Name), f.Value))));
    }

    /// <summary>Adds further facts: to the end of the table, and to JSON as an object under a name.</summary>
    public ArtifactFacts With(string name, ArtifactFacts more)
    {
        JsonObject json = Json.DeepClone().AsObject();
        json[name] = more.Json.DeepClone();
        return new ArtifactFacts([.. Rows, .. more.Rows], json);
    }

    // "hidden size" becomes hiddenSize.
    private static string Key(string name)
        => string.Concat(name.Split(' ').Select((word, i) => i == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));
}
