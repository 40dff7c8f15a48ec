using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// A model's config.json with every rule of its family resolved: what the decoder computes, without further defaults. Only <see cref="Load"/> and
/// <see cref="Parse"/> make one.
/// </summary>
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

    /// <summary>Whether the projections to queries, keys and values have biases.</summary>
    public required bool QueryKeyValueBias { get; init; }

    public required bool OutputBias { get; init; }

    public required bool MlpBias { get; init; }

    public required bool TieWordEmbeddings { get; init; }

    /// <summary>The factor that attention scores are multiplied by, before softcap and mask.</summary>
    public required double AttentionScale { get; init; }

    public required double? AttentionSoftcap { get; init; }

    public required double? FinalSoftcap { get; init; }

    /// <summary>How many positions a query sees on sliding layers, its own included. Null if no layer slides.</summary>
    public required int? SlidingWindow { get; init; }

    /// <summary>For each layer, whether its attention is limited to the sliding window.</summary>
    public required IReadOnlyList<bool> IsSliding { get; init; }

    public required RopeSettings Rope { get; init; }

    /// <summary>The rotation on sliding layers. Only in Gemma 3 is it another one than <see cref="Rope"/>.</summary>
    public required RopeSettings SlidingRope { get; init; }

    /// <summary>How many dimensions of each head are rotated, from the first on. All are, unless <c>partial_rotary_factor</c> says otherwise.</summary>
    public required int RotaryDim { get; init; }

    public required double InitializerRange { get; init; }

    public required double AttentionDropout { get; init; }

    public required int MaxPositions { get; init; }

    /// <summary>The type that the weights are stored in. Null if the config does not say.</summary>
    public required ScalarType? StorageType { get; init; }

    /// <summary>The text model's config as it was read. An export starts from it.</summary>
    internal JsonObject Json { get; init; } = [];

    /// <summary>The factor that embeddings are multiplied by. It is 1 except for Gemma.</summary>
    public double EmbeddingScale => Family.ScaledEmbedding ? (float)Math.Sqrt(HiddenSize) : 1;

    /// <summary>Trusts the user that these keys of <c>config.json</c> change nothing. This holds for the rest of the process.</summary>
    public static void IgnoreKeys(IEnumerable<string> keys) => HarmlessKeys.Ignore(keys);

    /// <summary>Reads the config of a model folder.</summary>
    /// <exception cref="InputException">
    /// There is no config, or one that this program cannot compute exactly. The message names everything that is wrong.
    /// </exception>
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

    /// <summary>Reads a config from its text.</summary>
    /// <param name="json">The text of a config.json.</param>
    /// <param name="source">What messages call it.</param>
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
            // JSON can spell half of a surrogate pair, which is no text.
            throw new InputException($"{source}: holds text that is not well-formed ({e.Message})", e);
        }
    }
}
