using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>The files of a tokenizer in a Hugging Face folder, and the special tokens they name.</summary>
internal sealed class TokenizerFolder
{
    public const string Main = "tokenizer.json";
    public const string Config = "tokenizer_config.json";
    public const string SpecialTokensMap = "special_tokens_map.json";

    // Copied unchanged when a tokenizer is saved; the first two say which tokens are special.
    private static readonly string[] s_companions = [Config, SpecialTokensMap, "chat_template.jinja", "chat_template.json"];

    /// <summary>Older folders have tokens here that tokenizer.json lacks.</summary>
    public const string AddedTokens = "added_tokens.json";

    private const string ModelConfig = "config.json";

    // Read for ids of special tokens and for tokens that become part of tokenizer.json, and never copied.
    private static readonly string[] s_others = ["generation_config.json", ModelConfig, AddedTokens];

    private const long MaxCompanionBytes = 64L << 20;

    private readonly Dictionary<string, byte[]> _others;

    private TokenizerFolder(string file, byte[] json, Dictionary<string, byte[]> companions, Dictionary<string, byte[]> others)
    {
        File = file;
        Json = json;
        Companions = companions;
        _others = others;
    }

    /// <summary>The path of tokenizer.json, for messages.</summary>
    public string File { get; }

    public byte[] Json { get; }

    /// <summary>By file name.</summary>
    public Dictionary<string, byte[]> Companions { get; }

    /// <summary>Rows of the model in the same folder, as its configuration says; null if it says nothing, or if there is no model.</summary>
    public int? Rows
    {
        get
        {
            if (Companion(ModelConfig) is not { Value.ValueKind: JsonValueKind.Object } config)
                return null;
            JsonPlace inner = config["text_config"];
            foreach (JsonPlace place in inner.Value.ValueKind == JsonValueKind.Object ? [inner, config] : new[] { config })
            {
                if (place["vocab_size"].Value is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out int rows))
                    return rows;
            }
            return null;
        }
    }

    /// <summary>A tokenizer that was made here.</summary>
    public static TokenizerFolder InMemory(string name, byte[] json, Dictionary<string, byte[]> companions) => new(name, json, companions, []);

    /// <summary>The same folder with another tokenizer.json.</summary>
    public TokenizerFolder With(byte[] json) => new(File, json, Companions, _others);

    /// <exception cref="InputException">There is no tokenizer.json, or a file is too large.</exception>
    public static TokenizerFolder Read(string path, IStorage storage)
    {
        string file = storage.DirectoryExists(path) ? Path.Combine(path, Main) : path;
        if (!storage.FileExists(file))
        {
            if (FolderForm.Tell(storage, path, Main) is { Length: > 0 } told)
                throw new InputException($"tokenizer {path}: it has no {Main}{told}");
            bool slow = storage.FileExists(Path.Combine(path, "tokenizer.model")) || storage.FileExists(Path.Combine(path, "vocab.json"));
            throw new InputException($"tokenizer {path}: it has no {Main}" + (slow
                ? "; the folder holds an older format, which Hugging Face's transformers can save as one"
                : "; give a Hugging Face folder, a tokenizer.json, or \"bytes\""));
        }
        string folder = Path.GetDirectoryName(file)!;
        return new TokenizerFolder(file, ReadAll(file, TokenizerDefinition.MaxFileBytes, storage), ReadThere(s_companions), ReadThere(s_others));

        Dictionary<string, byte[]> ReadThere(string[] names)
            => names.Where(name => storage.FileExists(Path.Combine(folder, name)))
                .ToDictionary(name => name, name => ReadAll(Path.Combine(folder, name), MaxCompanionBytes, storage), StringComparer.Ordinal);
    }

    /// <summary>
    /// Id of a special token ("bos", "eos", "pad"): what the tokenizer's configuration names, else the model's own configuration; null when neither
    /// does. A tokenizer that says null has none, whatever the model's configuration says: Qwen2.5 has a bos_token_id there that its
    /// tokenizer never writes.
    /// </summary>
    /// <exception cref="InputException">The token that is named is in no vocabulary.</exception>
    public int? FindMark(string mark, Func<string, int?> idOf, Func<int, bool> exists)
    {
        if (Mark(mark) is { } named)
        {
            // Some configurations write "" for none.
            if (Content(named) is not { Length: > 0 } text)
                return null;
            return idOf(text) ?? throw named.Refuse(
                $"'{text}', which is not in the vocabulary", $"name a token of {Main}, or declare it in added_tokens_decoder with an id that the model has a row for");
        }
        foreach (string name in s_others)
        {
            if (name == AddedTokens || Companion(name) is not { } file)
                continue;
            JsonPlace place = file[$"{mark}_token_id"];
            if (place.Value.ValueKind == JsonValueKind.Array && place.Value.GetArrayLength() > 0)
                place = place.Items().First();
            if (place.Value.ValueKind == JsonValueKind.Number && place.Value.TryGetInt32(out int id) && exists(id))
                return id;
        }
        return null;
    }

    /// <summary>
    /// Text of a special token as the tokenizer's configuration has it: null where it says that there is none. False when it says nothing.
    /// </summary>
    public bool Says(string mark, out string? text)
    {
        JsonPlace? named = Mark(mark);
        text = named is { } place ? Content(place) : null;
        return named is not null;
    }

    /// <summary>
    /// Where a special token is declared, also if declared as null: in tokenizer_config.json, else in special_tokens_map.json, which goes first where the
    /// former has no added_tokens_decoder, as in Hugging Face's transformers. Null where neither says anything.
    /// </summary>
    public JsonPlace? Mark(string mark)
    {
        bool isOld = Companion(Config) is not { } config || !config.Has("added_tokens_decoder");
        foreach (string name in isOld ? [SpecialTokensMap, Config] : new[] { Config, SpecialTokensMap })
        {
            if (Companion(name)?[$"{mark}_token"] is { Value.ValueKind: not JsonValueKind.Undefined } place)
                return place;
        }
        return null;
    }

    /// <summary>Text of a token that is declared as text or as an object; null where it is null.</summary>
    public static string? Content(JsonPlace token) => (token.Value.ValueKind == JsonValueKind.Object ? token["content"] : token).TextOrNull();

    /// <summary>A file next to tokenizer.json; null if it does not exist.</summary>
    public JsonPlace? Companion(string name)
    {
        if (!Companions.TryGetValue(name, out byte[]? json) && !_others.TryGetValue(name, out json))
            return null;
        string file = Path.Combine(Path.GetDirectoryName(File) ?? "", name);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new JsonPlace(file, "$", document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw NotJson(file, json, e);
        }
    }

    /// <summary>What the file is instead, where its first bytes tell.</summary>
    public static InputException NotJson(string file, ReadOnlySpan<byte> json, Exception inner)
        => new($"tokenizer {file}: {FileHead.Tell(json[..Math.Min(json.Length, FileHead.Bytes)]) ?? $"not JSON: {inner.Message}"}", inner);

    private static byte[] ReadAll(string path, long limit, IStorage storage)
    {
        long length = storage.Length(path);
        if (length > limit)
            throw new InputException($"tokenizer {path}: {length} bytes long, expected at most {limit}");
        var bytes = new byte[length];
        using Stream stream = storage.OpenRead(path);
        stream.ReadExactly(bytes);
        // A file may begin with a byte order mark, which JSON does not allow.
        return bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? bytes[3..] : bytes;
    }
}
