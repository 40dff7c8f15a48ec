using Pipeline.Contracts.Storage;
using Pipeline.Stages.Hypernetworks;

namespace Pipeline.Host.Artifacts;

/// <summary>A folder with a hypernetwork, which predicts embeddings for one model.</summary>
internal sealed class HypernetworkArtifact : IArtifactKind
{
    public string Name => "hypernetwork";

    public bool Recognises(IStorage storage, string path) => HypernetworkFacts.IsIn(storage, path);

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        HypernetworkFacts facts = HypernetworkFacts.Read(storage, path);
        return ArtifactFacts.Of(
            ("format version", facts.Version),
            ("architecture", facts.Architecture),
            ("parameters", facts.Parameters),
            ("layers", facts.Layers),
            ("longest form", facts.MaxPieces),
            ("matrices", facts.Matrices),
            ("hidden size", facts.Width),
            ("source rows", facts.SourceRows),
            ("source tokenizer", facts.SourceTokenizer),
            ("model", facts.Model),
            ("steps", facts.Steps));
    }
}
