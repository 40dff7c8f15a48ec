using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Stages.Models.Peft;

/// <summary>Writes <c>adapter_config.json</c>.</summary>
internal static class PeftConfigWriter
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="options">Rank and scale.</param>
    /// <param name="baseModel">What the adapter is over.</param>
    /// <param name="targets">Short names of the updated modules.</param>
    /// <param name="kept">Modules that are in the file whole.</param>
    /// <param name="joined">Fused modules and the number of their parts that have an update: their rank, and alpha with it, is that much larger.</param>
    public static byte[] Json(LoraOptions options, string baseModel, IEnumerable<string> targets, IReadOnlyCollection<string> kept, IReadOnlyDictionary<string, int> joined)
    {
        var json = new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["r"] = options.Rank,
            ["lora_alpha"] = options.Alpha,
            ["lora_dropout"] = 0.0,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["use_rslora"] = false,
            ["use_dora"] = false,
            ["inference_mode"] = true,
            ["target_modules"] = new JsonArray([.. targets.Select(t => JsonValue.Create(t))]),
            ["modules_to_save"] = kept.Count == 0 ? null : new JsonArray([.. kept.Select(t => JsonValue.Create(t))]),
            ["rank_pattern"] = new JsonObject(joined.Select(j => KeyValuePair.Create(j.Key, (JsonNode?)(j.Value * options.Rank)))),
            ["alpha_pattern"] = new JsonObject(joined.Select(j => KeyValuePair.Create(j.Key, (JsonNode?)(j.Value * options.Alpha)))),
        };
        return JsonSerializer.SerializeToUtf8Bytes(json, Layout);
    }
}
