using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>The files of a tokenizer in a Hugging Face folder, and the special tokens that they name.</summary>
internal sealed class TokenizerFolder
{
    public const string Main = "tokenizer.json";
    public const string Config = "tokenizer_config.json";
    public const string SpecialTokensMap = "special_tokens_map.json";

    // These are copied unchanged when a tokenizer is saved. The first two name the special tokens.
    private static readonly string[] s_companions = [Config, SpecialTokensMap, "chat_template.jinja", "chat_template.json"];

    /// <summary>A file of older folders, with tokens that tokenizer.json lacks.</summary>
    public const string AddedTokens = "added_tokens.json";

    private const string ModelConfig = "config.json";

    // These are read for the ids of special tokens, the rows of the model and tokens to be added to tokenizer.json. They are never copied.
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

    /// <summary>The files that belong to the tokenizer, by name.</summary>
    public Dictionary<string, byte[]> Companions { get; }

    /// <summary>The number of rows of the model in the same folder, as its configuration gives it. Null if it does not, or if there is no model.</summary>
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

    /// <summary>A tokenizer that this program has made.</summary>
    public static TokenizerFolder InMemory(string name, byte[] json, Dictionary<string, byte[]> companions) => new(name, json, companions, []);

    /// <summary>The same folder with another tokenizer.json.</summary>
    public TokenizerFolder With(byte[] json) => new(File, json, Companions, _others);

    /// <summary>Reads the files of a tokenizer.</summary>
    /// <param name="path">The folder, or its tokenizer.json.</param>
    /// <param name="storage">The file system.</param>
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
    /// The id of a special token ("bos", "eos" or "pad"): of the token that the tokenizer's configuration names, or else the id in the model's configuration.
    /// Null if neither gives one. If the tokenizer's configuration says null, there is none, whatever the model's says: Qwen2.5 has a bos_token_id that
    /// its tokenizer never writes.
    /// </summary>
    /// <exception cref="InputException">The token that is named is not in the vocabulary.</exception>
    public int? FindMark(string mark, Func<string, int?> idOf, Func<int, bool> exists)
    {
        if (Mark(mark) is { } named)
        {
            // Some configurations write "" for no token.
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
    /// Whether the tokenizer's configuration says anything about a special token. If so, the text is that of the token, or null if it says that there is none.
    /// </summary>
    public bool Says(string mark, out string? text)
    {
        JsonPlace? named = Mark(mark);
        text = named is { } place ? Content(place) : null;
        return named is not null;
    }

    /// <summary>
    /// Where a special token is declared, even if it is declared to be null. That is tokenizer_config.json, or else special_tokens_map.json. As in Hugging
    /// Face's transformers, the second goes first if the first has no added_tokens_decoder. Null if neither declares it.
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

    /// <summary>The text of a token that is declared as text or as an object, or null if it is declared as null.</summary>
    public static string? Content(JsonPlace token) => (token.Value.ValueKind == JsonValueKind.Object ? token["content"] : token).TextOrNull();

    /// <summary>A file next to tokenizer.json, or null if there is none.</summary>
    /// <exception cref="InputException">The file is not JSON.</exception>
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

    /// <summary>The error for a file that is not JSON. It says what the file is instead, if its first bytes tell.</summary>
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
