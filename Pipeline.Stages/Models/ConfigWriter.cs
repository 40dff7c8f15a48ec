using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Writes config.json and generation_config.json: what was read, with what has changed since. Chat templates are copied. Models for pictures and text are
/// written as their family's text model, because only the text part was loaded.
/// </summary>
internal static class ConfigWriter
{
    private const string GenerationName = "generation_config.json";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly string[] ChatTemplates = ["chat_template.jinja", "chat_template.json"];

    /// <summary>The content of config.json, with sorted keys.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="type">The type of the stored weights.</param>
    /// <param name="marks">The ids of a new tokenizer's special tokens; null: those of the config stay.</param>
    public static JsonObject Config(ModelConfig config, ScalarType type, TokenizerMarks? marks)
    {
        JsonObject json = (JsonObject)config.Json.DeepClone();
        ModelFamily family = config.Family.TextModelType is { } text ? ModelFamilies.Find(text)! : config.Family;
        json["model_type"] = family.ModelType;
        json["architectures"] = new JsonArray(family.Architecture);
        json["vocab_size"] = config.VocabularySize;
        if (config.TieWordEmbeddings != family.TiedByDefault || json.ContainsKey("tie_word_embeddings"))
            json["tie_word_embeddings"] = config.TieWordEmbeddings;
        string typeKey = json.ContainsKey("dtype") ? "dtype" : "torch_dtype";
        json.Remove("torch_dtype");
        json[typeKey] = TypeName(type);
        SetMarks(json, marks);
        return new JsonObject(json.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone())));
    }

    /// <summary>Writes all files, config.json last.</summary>
    public static void Write(string folder, IStorage storage, ModelConfig config, ExportOptions options)
    {
        WriteJson(Path.Combine(folder, GenerationName), storage, Generation(config, storage, options));
        if (options.SourceFolder is { } source && Path.GetFullPath(source) != Path.GetFullPath(folder))
            CopyTemplates(source, folder, storage);
        WriteJson(Path.Combine(folder, ModelConfig.FileName), storage, Config(config, options.Type, options.Marks));
    }

    private static void CopyTemplates(string source, string folder, IStorage storage)
    {
        foreach (string name in ChatTemplates.Where(name => storage.FileExists(Path.Combine(source, name))))
        {
            using Stream stream = storage.OpenRead(Path.Combine(source, name));
            storage.WriteAtomically(Path.Combine(folder, name), stream.CopyTo);
        }
    }

    private static JsonObject Generation(ModelConfig config, IStorage storage, ExportOptions options)
    {
        string? from = options.SourceFolder is null ? null : Path.Combine(options.SourceFolder, GenerationName);
        JsonObject json;
        if (from is not null && storage.FileExists(from))
        {
            using Stream stream = storage.OpenRead(from);
            json = JsonNode.Parse(stream) as JsonObject ?? [];
        }
        else
        {
            json = new JsonObject { ["_from_model_config"] = true };
            (int? pad, int? bos, int? eos) = config.Family.Marks;
            foreach ((string key, int? absent) in new[] { ("bos_token_id", bos), ("eos_token_id", eos), ("pad_token_id", pad) })
            {
                if ((config.Json.TryGetPropertyValue(key, out JsonNode? value) ? value?.DeepClone() : absent) is { } id)
                    json[key] = id;
            }
        }

        SetMarks(json, options.Marks);
        return json;
    }

    private static void SetMarks(JsonObject json, TokenizerMarks? marks)
    {
        if (marks is null)
            return;
        json["bos_token_id"] = marks.Bos;
        json["pad_token_id"] = marks.Pad;
        json["eos_token_id"] = marks.Eos.Count switch
        {
            0 => null,
            1 => marks.Eos[0],
            _ => new JsonArray([.. marks.Eos.Select(id => JsonValue.Create(id))]),
        };
    }

    private static void WriteJson(string path, IStorage storage, JsonObject json)
        => storage.WriteAtomically(path, stream => stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString(Indented) + "\n")));

    private static string TypeName(ScalarType type) => type switch
    {
        ScalarType.Float32 => "float32",
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Float16 => "float16",
        _ => throw new ArgumentException($"models are stored as Float32, BFloat16 or Float16, not {type}", nameof(type)),
    };
}
