using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A model's config with every rule of its family resolved. Made by <see cref="Load"/> or <see cref="Parse"/> only.</summary>
public sealed record ModelConfig
{
    public const string FileName = "config.json";
    private const long LargestConfig = 16_000_000;

    internal ModelConfig()
    {
    }

    public required ModelFamily Family { get; init; }

    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadDim { get; init; }

    public required double NormEpsilon { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>Biases on queries, keys and values.</summary>
    public required bool QueryKeyValueBias { get; init; }

    public required bool OutputBias { get; init; }

    public required bool MlpBias { get; init; }

    public required bool TieWordEmbeddings { get; init; }

    /// <summary>The factor on the scores before softcap and mask.</summary>
    public required double AttentionScale { get; init; }

    public required double? AttentionSoftcap { get; init; }

    public required double? FinalSoftcap { get; init; }

    /// <summary>A query sees keys at most this many less one positions back, on sliding layers.</summary>
    public required int? SlidingWindow { get; init; }

    /// <summary>Per layer: does it slide.</summary>
    public required IReadOnlyList<bool> IsSliding { get; init; }

    public required RopeSettings Rope { get; init; }

    /// <summary>The rotation of sliding layers; the same as <see cref="Rope"/> but for Gemma 3.</summary>
    public required RopeSettings SlidingRope { get; init; }

    /// <summary>The first dimensions of each head are rotated: all but where <c>partial_rotary_factor</c> says less.</summary>
    public required int RotaryDim { get; init; }

    public required double InitializerRange { get; init; }

    public required double AttentionDropout { get; init; }

    public required int MaxPositions { get; init; }

    /// <summary>The type weights are stored in, when the config says it.</summary>
    public required ScalarType? StorageType { get; init; }

    /// <summary>The text model's config as it was read: what an export starts from.</summary>
    internal JsonObject Json { get; init; } = [];

    /// <summary>What embeddings are multiplied by; 1 but for Gemma.</summary>
    public double EmbeddingScale => Family.ScaledEmbedding ? (float)Math.Sqrt(HiddenSize) : 1;

    /// <summary>Takes somebody's word that keys of <c>config.json</c> change nothing, for as long as the process lives.</summary>
    public static void IgnoreKeys(IEnumerable<string> keys) => HarmlessKeys.Ignore(keys);

    /// <exception cref="InputException">No config there, or one that this program cannot compute exactly; everything wrong is named.</exception>
    public static ModelConfig Load(string folder, IStorage storage)
    {
        string path = Path.Combine(folder, FileName);
        if (!storage.FileExists(path))
            throw new InputException($"{path}: no such file{(FolderForm.Tell(storage, folder, FileName) is { Length: > 0 } told ? told : "; expected a model folder in Hugging Face's layout")}");
        if (storage.Length(path) > LargestConfig)
            throw new InputException($"{path}: {storage.Length(path)} bytes long; not a model's config");
        using Stream stream = storage.OpenRead(path);
        using StreamReader reader = new(stream);
        return Parse(reader.ReadToEnd(), path);
    }

    /// <param name="json">The text of a config.json.</param>
    /// <param name="source">What to call it in messages.</param>
    /// <exception cref="InputException">See <see cref="Load"/>.</exception>
    public static ModelConfig Parse(string json, string source)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{source}: expected a JSON object");
            return ModelConfigReader.Read(document.RootElement, source);
        }
        catch (JsonException e)
        {
            byte[] head = System.Text.Encoding.UTF8.GetBytes(json[..Math.Min(json.Length, FileHead.Bytes)]);
            throw new InputException($"{source}: {FileHead.Tell(head) ?? $"not JSON ({e.Message})"}", e);
        }
        catch (InvalidOperationException e)
        {
            // Half of a surrogate pair.
            throw new InputException($"{source}: holds text that is not well-formed ({e.Message})", e);
        }
    }
}
