using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Stages.Models.Peft;

/// <summary>Writes <c>adapter_config.json</c> in the form that the PEFT library reads.</summary>
internal static class PeftConfigWriter
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The content of the file.</summary>
    /// <param name="options">Rank and alpha of the adapters.</param>
    /// <param name="baseModel">A name or path of the model that the adapter is for.</param>
    /// <param name="targets">The short names of the updated modules.</param>
    /// <param name="kept">The modules whose weights are in the file as wholes.</param>
    /// <param name="joined">
    /// The fused modules, each with the number of its parts that have an update. The rank of its update is multiplied by this number, and alpha too, so
    /// that the scale stays the same.
    /// </param>
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
