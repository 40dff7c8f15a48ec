using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tokenization.Reading;

namespace Pipeline.Stages.Tokenization.Gguf;

/// <summary>
/// Rebuilds a tokenizer.json from the metadata of a GGUF. It can do so for byte-level BPE with a pre-tokenizer whose name it knows, and for
/// SentencePiece's BPE with scores. What cannot be rebuilt exactly is refused by name.
/// </summary>
internal sealed class GgufTokenizer
{
    private const string Remedy = "give the folder of the model's own tokenizer too (teacher.tokenizer)";
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _path;
    private readonly GgufMetadata _metadata;
    private readonly string[] _tokens;
    private readonly long[] _types;
    private readonly string _model;

    private GgufTokenizer(GgufFile file)
    {
        _path = file.Path;
        _metadata = file.Metadata;
        _model = _metadata.Text(GgufKeys.Model) ?? throw Refuse($"it has no {GgufKeys.Model}");
        if (_model is not (GgufKeys.ByteLevel or GgufKeys.SentencePiece))
            throw Refuse($"its tokenizer has the model '{_model}'; '{GgufKeys.ByteLevel}' (byte-level BPE) and '{GgufKeys.SentencePiece}' (SentencePiece's BPE) can be rebuilt");
        _tokens = _metadata.Texts(GgufKeys.Tokens) ?? throw Refuse($"it has no {GgufKeys.Tokens}");
        _types = _metadata.Wholes(GgufKeys.Types) ?? throw Refuse($"it has no {GgufKeys.Types}");
        if (_types.Length != _tokens.Length)
            throw Refuse($"it has {_tokens.Length} tokens and {_types.Length} types of tokens");
    }

    /// <summary>The tokenizer of a GGUF, in the form of a folder's files.</summary>
    /// <exception cref="InputException">The tokenizer cannot be rebuilt.</exception>
    public static TokenizerFolder Read(string path, IStorage storage)
    {
        using GgufFile file = GgufFile.Open(path, storage);
        GgufTokenizer tokenizer = new(file);
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, s_options))
            tokenizer.Write(writer);
        return TokenizerFolder.InMemory(path, json.ToArray(), new(StringComparer.Ordinal) { [TokenizerFolder.Config] = tokenizer.Config() });
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_types[id] is GgufKeys.UnknownType or GgufKeys.Control or GgufKeys.UserDefined)
                new JsonObject { ["id"] = id, ["content"] = _tokens[id], ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = _types[id] != GgufKeys.UserDefined }.WriteTo(json);
        }
        json.WriteEndArray();
        if (_model == GgufKeys.ByteLevel)
            WriteByteLevel(json);
        else
            WriteSentencePiece(json);
        json.WriteEndObject();
    }

    private void WriteByteLevel(Utf8JsonWriter json)
    {
        string name = _metadata.Text(GgufKeys.Pre) ?? "default";
        PreTokenizer pre = PreTokenizers.Find(name) ?? throw Refuse(
            $"its pre-tokenizer is '{name}', which this program does not know; it knows {string.Join(", ", PreTokenizers.All.SelectMany(p => p.Plain.Concat(p.Ignoring)).Order(StringComparer.Ordinal))}");
        json.WriteNull("normalizer");
        JsonArray steps = [.. pre.Patterns.Select(pattern => (JsonNode)new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false }), ByteLevel()];
        Write(json, "pre_tokenizer", new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = steps });
        WriteTemplate(json, PreTokenizers.AddsBos(name));
        Write(json, "decoder", ByteLevel());
        BeginModel(json, unknown: null, isByteFallback: false, ignoresMerges: pre.Ignores(name)!.Value);
        json.WriteStartArray("merges");
        foreach (string merge in _metadata.Texts(GgufKeys.Merges) ?? throw Refuse($"it has no {GgufKeys.Merges}"))
            json.WriteStringValue(merge);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteSentencePiece(Utf8JsonWriter json)
    {
        double[] scores = _metadata.Numbers(GgufKeys.Scores) ?? throw Refuse($"it has no {GgufKeys.Scores}");
        if (scores.Length != _tokens.Length)
            throw Refuse($"it has {_tokens.Length} tokens and {scores.Length} scores");
        bool hasPrefix = _metadata.Flag(GgufKeys.SpacePrefix) ?? true;
        JsonObject replace = new() { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = "▁" };
        Write(json, "normalizer", hasPrefix
            ? new JsonObject { ["type"] = "Sequence", ["normalizers"] = new JsonArray(new JsonObject { ["type"] = "Prepend", ["prepend"] = "▁" }, replace) }
            : replace);
        json.WriteNull("pre_tokenizer");
        WriteTemplate(json, addsBos: true);
        JsonArray decoders =
        [
            new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = "▁" }, ["content"] = " " },
            new JsonObject { ["type"] = "ByteFallback" },
            new JsonObject { ["type"] = "Fuse" },
        ];
        if (hasPrefix)
            decoders.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        Write(json, "decoder", new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders });
        BeginModel(json, Named(GgufKeys.Unknown), isByteFallback: true, ignoresMerges: false);
        json.WriteStartArray("merges");
        foreach ((int left, int right) in ScoreMerges.Of(_tokens, id => _types[id] == GgufKeys.Normal, scores, Refuse))
        {
            json.WriteStartArray();
            json.WriteStringValue(_tokens[left]);
            json.WriteStringValue(_tokens[right]);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes the model without its merges, and leaves its object open for them.</summary>
    private void BeginModel(Utf8JsonWriter json, string? unknown, bool isByteFallback, bool ignoresMerges)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", unknown);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", isByteFallback);
        json.WriteBoolean("byte_fallback", isByteFallback);
        json.WriteBoolean("ignore_merges", ignoresMerges);
        json.WriteStartObject("vocab");
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int id = 0; id < _tokens.Length; id++)
        {
            // A byte-level vocabulary does not contain its special tokens. SentencePiece's does.
            if (_types[id] is GgufKeys.Normal or GgufKeys.UnknownType or GgufKeys.Byte || (isByteFallback && _types[id] != GgufKeys.Unused))
                json.WriteNumber(seen.Add(_tokens[id]) ? _tokens[id] : throw Refuse($"token '{_tokens[id]}' occurs twice, the second time as {id}"), id);
        }
        json.WriteEndObject();
    }

    private void WriteTemplate(Utf8JsonWriter json, bool addsBos)
    {
        string? bos = _metadata.Flag(GgufKeys.AddBos) ?? addsBos ? Named(GgufKeys.Bos) : null;
        string? eos = _metadata.Flag(GgufKeys.AddEos) ?? false ? Named(GgufKeys.Eos) : null;
        if (bos is null && eos is null)
        {
            json.WriteNull("post_processor");
            return;
        }
        JsonArray items = [.. new[] { bos, "", eos }.OfType<string>().Select(token => (JsonNode)(token.Length == 0
            ? new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } }
            : new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } }))];
        JsonObject tokens = [];
        foreach ((string? token, string key) in new[] { (bos, GgufKeys.Bos), (eos, GgufKeys.Eos) })
        {
            if (token is not null)
                tokens[token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray((int)_metadata.Whole(key)!.Value), ["tokens"] = new JsonArray(token) };
        }
        Write(json, "post_processor", new JsonObject { ["type"] = "TemplateProcessing", ["single"] = items, ["pair"] = items.DeepClone(), ["special_tokens"] = tokens });
    }

    private byte[] Config()
    {
        JsonObject config = new() { ["tokenizer_class"] = "PreTrainedTokenizerFast" };
        foreach ((string name, string key) in new[] { ("bos_token", GgufKeys.Bos), ("eos_token", GgufKeys.Eos), ("pad_token", GgufKeys.Pad), ("unk_token", GgufKeys.Unknown) })
            config[name] = Named(key);
        if (_metadata.Text(GgufKeys.ChatTemplate) is { } template)
            config["chat_template"] = template;
        config["clean_up_tokenization_spaces"] = false;
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, s_options))
            config.WriteTo(writer);
        return stream.ToArray();
    }

    private string? Named(string key)
    {
        if (_metadata.Whole(key) is not { } id)
            return null;
        // Files of models that have no such token write an id that does not exist.
        return (ulong)id < (ulong)_tokens.Length ? _tokens[id] : id == uint.MaxValue ? null : throw Refuse($"{key} is {id}, but there are {_tokens.Length} tokens");
    }

    private static JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false };

    private static void Write(Utf8JsonWriter json, string property, JsonNode value)
    {
        json.WritePropertyName(property);
        value.WriteTo(json);
    }

    private InputException Refuse(string what) => new($"{_path}: its tokenizer cannot be rebuilt: {what}; {Remedy}");
}
