using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.SteeringFits;

namespace Pipeline.Host.Artifacts;

/// <summary>The sums that <c>fit-sea</c> has written, from which edits of activations are made.</summary>
internal sealed class SeaSumsArtifact : IArtifactKind
{
    public string Name => "sums of a spectral fit";

    public bool Recognises(IStorage storage, string path) => SeaSumsFacts.IsIn(storage, path);

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        SeaSumsFacts facts = SeaSumsFacts.Read(storage, path);
        return ArtifactFacts.Of(
        [
            ("demonstrations", facts.Demonstrations),
            ("place", facts.Place),
            ("map", facts.Map),
            ("layers", new JsonArray([.. facts.Layers.Select(l => JsonValue.Create(l))])),
            ("width", facts.Width),
            ("parts", facts.Parts),
            .. facts.MadeFrom.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => (p.Key, (JsonNode?)p.Value)),
        ]);
    }
}
