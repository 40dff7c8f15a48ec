using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Artifacts;

/// <summary>A <c>tokenizer.json</c>, or a folder that contains one.</summary>
internal sealed class TokenizerArtifact : IArtifactKind
{
    private const string File = "tokenizer.json";

    public string Name => "tokenizer";

    public bool Recognises(IStorage storage, string path)
        => Path.GetFileName(path) == File ? storage.FileExists(path) : storage.FileExists(Path.Combine(path, File));

    public ArtifactFacts Inspect(IStorage storage, string path)
    {
        TextTokenizer tokenizer = TextTokenizer.Load(path, storage);
        string? Mark(int? id) => id is { } known ? $"{tokenizer.TokenOf(known)} ({known})" : null;
        return ArtifactFacts.Of(
            ("tokens", Enumerable.Range(0, tokenizer.VocabularySize).Count(id => tokenizer.TokenOf(id) is not null)),
            ("largest id", tokenizer.VocabularySize - 1),
            ("special tokens", tokenizer.SpecialIds.Count),
            ("bos", Mark(tokenizer.BosId)),
            ("eos", Mark(tokenizer.EosId)),
            ("pad", Mark(tokenizer.PadId)),
            ("tokenizer fingerprint", (JsonNode)tokenizer.Fingerprint));
    }
}
