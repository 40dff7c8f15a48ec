using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Steering;

namespace Pipeline.Host.Artifacts;

/// <summary>A Hugging Face model folder: its configuration, the headers of its weights, and its tokenizer if it has one.</summary>
internal sealed class ModelArtifact : IArtifactKind
{
    private readonly TokenizerArtifact _tokenizer = new();

    public string Name => "model folder";

    public bool Recognises(IStorage storage, string path) => storage.FileExists(Path.Combine(path, ModelConfig.FileName));

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        ModelConfig written = ModelConfig.Load(path, storage);
        using SafetensorsFolder weights = SafetensorsFolder.Open(path, storage);
        ModelConfig config = HeadTie.Resolve(written, weights, path, out string? remark);
        List<TensorEntry> tensors = [.. weights.Entries];
        ArtifactFacts facts = ArtifactFacts.Of(
            ("family", config.Family.ModelType),
            ("parameters", tensors.Sum(t => t.Shape.Aggregate(1L, (product, size) => product * size))),
            ("bytes", tensors.Sum(t => t.Bytes)),
            ("dtype", new JsonArray([.. tensors.Select(t => t.Type.ToString().ToLowerInvariant()).Distinct().Order(StringComparer.Ordinal).Select(t => (JsonNode)t)])),
            ("vocabulary", config.VocabularySize),
            ("layers", config.Layers),
            ("hidden size", config.HiddenSize),
            ("intermediate size", config.IntermediateSize),
            ("heads", config.Heads),
            ("key value heads", config.KeyValueHeads),
            ("head dim", config.HeadDim),
            ("positions", config.MaxPositions),
            ("sliding window", config.SlidingWindow),
            ("tied embeddings", config.TieWordEmbeddings),
            ("edit", SteeringEdit.IsIn(path, storage) ? SteeringEdit.FileName : null),
            ("remark", remark));
        return _tokenizer.Recognises(storage, path) ? facts.With("tokenizer", _tokenizer.Inspect(storage, path)) : facts;
    }
}
