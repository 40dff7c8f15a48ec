using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>The files of a tokenizer as they lie in a Hugging Face folder, and the marks they name.</summary>
internal sealed class TokenizerFolder
{
    public const string Main = "tokenizer.json";
    public const string Config = "tokenizer_config.json";
    public const string SpecialTokensMap = "special_tokens_map.json";

    // Copied unchanged when a tokenizer is saved; the first two say which tokens are marks.
    private static readonly string[] s_companions = [Config, SpecialTokensMap, "chat_template.jinja", "chat_template.json"];

    // Read for ids of marks, and never copied: they belong to the model.
    private static readonly string[] s_modelFiles = ["generation_config.json", "config.json"];

    private const long MaxCompanionBytes = 64L << 20;

    private TokenizerFolder(string file, byte[] json, Dictionary<string, byte[]> companions)
    {
        File = file;
        Json = json;
        Companions = companions;
    }

    /// <summary>The path of tokenizer.json, for messages.</summary>
    public string File { get; }

    public byte[] Json { get; }

    /// <summary>By file name.</summary>
    public Dictionary<string, byte[]> Companions { get; }

    private List<(string Name, byte[] Json)> ModelFiles { get; } = [];

    /// <summary>A tokenizer that was made here.</summary>
    public static TokenizerFolder InMemory(string name, byte[] json, Dictionary<string, byte[]> companions) => new(name, json, companions);

    /// <exception cref="InputException">There is no tokenizer.json, or a file is too large.</exception>
    public static TokenizerFolder Read(string path, IStorage storage)
    {
        string file = storage.DirectoryExists(path) ? Path.Combine(path, Main) : path;
        if (!storage.FileExists(file))
        {
            bool slow = storage.FileExists(Path.Combine(path, "tokenizer.model")) || storage.FileExists(Path.Combine(path, "vocab.json"));
            throw new InputException($"tokenizer {path}: there is no {Main}" + (slow
                ? "; the folder holds an older format, which Hugging Face's transformers can save as one"
                : "; give a Hugging Face folder, a tokenizer.json, or \"bytes\""));
        }
        string folder = Path.GetDirectoryName(file)!;
        var companions = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string name in s_companions)
        {
            string companion = Path.Combine(folder, name);
            if (storage.FileExists(companion))
                companions[name] = ReadAll(companion, MaxCompanionBytes, storage);
        }
        var result = new TokenizerFolder(file, ReadAll(file, TokenizerDefinition.MaxFileBytes, storage), companions);
        foreach (string name in s_modelFiles)
        {
            string companion = Path.Combine(folder, name);
            if (storage.FileExists(companion))
                result.ModelFiles.Add((companion, ReadAll(companion, MaxCompanionBytes, storage)));
        }
        return result;
    }

    /// <summary>
    /// Id of a mark ("bos", "eos", "pad"): what tokenizer_config.json names, else special_tokens_map.json, else the model's own
    /// configuration; null when none does, or the token is not there. A tokenizer that says null has none, whatever the model's
    /// configuration says: Qwen2.5 has a bos_token_id there that its tokenizer never writes.
    /// </summary>
    public int? FindMark(string mark, Func<string, int?> idOf, Func<int, bool> exists)
    {
        foreach (string? text in Spellings(mark))
        {
            if (text is null)
                return null;
            if (idOf(text) is { } id)
                return id;
        }
        foreach ((string name, byte[] json) in ModelFiles)
        {
            JsonPlace place = Open(name, json)[$"{mark}_token_id"];
            if (place.Value.ValueKind == JsonValueKind.Array && place.Value.GetArrayLength() > 0)
                place = place.Items().First();
            if (place.Value.ValueKind == JsonValueKind.Number && place.Value.TryGetInt32(out int id) && exists(id))
                return id;
        }
        return null;
    }

    /// <summary>
    /// Text of a mark as tokenizer_config.json has it, else special_tokens_map.json: null where it says that there is none. False when
    /// neither says anything.
    /// </summary>
    public bool Says(string mark, out string? text)
    {
        foreach (string? spelling in Spellings(mark))
        {
            text = spelling;
            return true;
        }
        text = null;
        return false;
    }

    private IEnumerable<string?> Spellings(string mark)
    {
        foreach (string name in new[] { Config, SpecialTokensMap })
        {
            if (!Companions.TryGetValue(name, out byte[]? json))
                continue;
            JsonPlace place = Open(Path.Combine(Path.GetDirectoryName(File) ?? "", name), json)[$"{mark}_token"];
            if (place.Value.ValueKind == JsonValueKind.Undefined)
                continue;
            yield return (place.Value.ValueKind == JsonValueKind.Object ? place["content"] : place).TextOrNull();
        }
    }

    private static JsonPlace Open(string file, byte[] json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new JsonPlace(file, "$", document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new InputException($"tokenizer {file}: not JSON: {e.Message}", e);
        }
    }

    private static byte[] ReadAll(string path, long limit, IStorage storage)
    {
        long length = storage.Length(path);
        if (length > limit)
            throw new InputException($"tokenizer {path}: {length} bytes; at most {limit} are read");
        var bytes = new byte[length];
        using Stream stream = storage.OpenRead(path);
        stream.ReadExactly(bytes);
        // The older encodings of a file may begin with a mark that JSON does not know.
        return bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? bytes[3..] : bytes;
    }
}
