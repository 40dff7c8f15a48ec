using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Models.Peft;

/// <summary>What <c>adapter_config.json</c> of the PEFT library says about low-rank updates: how each is scaled.</summary>
/// <param name="Alpha">The numerator of the scale, if no pattern says otherwise.</param>
/// <param name="AlphaPatterns">
/// Other numerators for some modules. A pattern is a regular expression for a module's name or the end of it; the first that matches counts.
/// </param>
/// <param name="IsRankStabilized">Whether the scale is divided by the square root of the rank (Kalajdzievski 2023) instead of the rank.</param>
/// <param name="Base">The model that the adapter was trained for, as its author named it; null: not said.</param>
internal sealed record PeftConfig(double Alpha, IReadOnlyList<(string Pattern, double Alpha)> AlphaPatterns, bool IsRankStabilized, string? Base)
{
    public const string FileName = "adapter_config.json";

    private const int MaxBytes = 1 << 20;

    // Keys that only repeat what the tensors of the file tell, or that matter only while an adapter is trained.
    private static readonly HashSet<string> Harmless = new(StringComparer.Ordinal)
    {
        "r", "target_modules", "exclude_modules", "modules_to_save", "rank_pattern", "layers_to_transform", "layers_pattern", "lora_dropout", "task_type", "inference_mode",
        "revision", "auto_mapping", "peft_version", "megatron_config", "megatron_core", "runtime_config", "ensure_weight_tying", "corda_config", "eva_config", "loftq_config",
    };

    /// <summary>The factor that a module's B·A is multiplied by.</summary>
    /// <param name="module">The module's name, without <c>.weight</c>.</param>
    /// <param name="rank">The number of rows of its A.</param>
    public double Scale(string module, long rank)
    {
        double alpha = Alpha;
        foreach ((string pattern, double other) in AlphaPatterns.Where(p => Regex.IsMatch(module, $@"^(.*\.)?({p.Pattern})$", RegexOptions.None, TimeSpan.FromSeconds(1))).Take(1))
            alpha = other;
        return IsRankStabilized ? alpha / Math.Sqrt(rank) : alpha / rank;
    }

    /// <summary>Reads the <c>adapter_config.json</c> of a folder.</summary>
    /// <exception cref="InputException">The file does not exist, cannot be read, or asks for something that is not supported.</exception>
    public static PeftConfig Load(string folder, IStorage storage)
    {
        string path = Path.Combine(folder, FileName);
        if (!storage.FileExists(path))
            throw new InputException($"{folder}: no {FileName}; expected an adapter folder written by the PEFT library");
        if (storage.Length(path) > MaxBytes)
            throw new InputException($"{path}: {storage.Length(path)} bytes, expected at most {MaxBytes}");
        try
        {
            using Stream stream = storage.OpenRead(path);
            return Read(JsonNode.Parse(stream) as JsonObject ?? throw new JsonException("no object"), path);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or RegexParseException)
        {
            throw new InputException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static PeftConfig Read(JsonObject root, string path)
    {
        string type = root["peft_type"]?.GetValue<string>() ?? "(none)";
        if (type != "LORA")
            throw new InputException($"{path}: peft_type is {type}; only LORA is supported");
        var patterns = root["alpha_pattern"] is JsonObject { Count: > 0 } given ? given.Select(p => (p.Key, p.Value!.GetValue<double>())).ToList() : [];
        foreach ((string pattern, _) in patterns) _ = new Regex(pattern);
        List<string> refused = [];
        foreach ((string key, JsonNode? value) in root)
        {
            if (key is "peft_type" or "lora_alpha" or "alpha_pattern" or "use_rslora" or "base_model_name_or_path" || Harmless.Contains(key) || IsOff(key, value)) continue;
            refused.Add($"{key} = {Short(value!)}");
        }
        if (refused.Count > 0)
            throw new InputException($"{path}: {string.Join(", ", refused)}: not supported; plain LoRA is, with rank and alpha patterns, use_rslora, and modules_to_save");
        return new PeftConfig(
            root["lora_alpha"]?.GetValue<double>() ?? 8, patterns, root["use_rslora"]?.GetValue<bool>() ?? false, root["base_model_name_or_path"]?.GetValue<string>());
    }

    // Whether a key's value asks for nothing. Of the values of init_lora_weights, true, false and "gaussian" do. The others are names of methods that
    // also change the base model's weights (PiSSA and others).
    private static bool IsOff(string key, JsonNode? value) => value switch
    {
        null => true,
        JsonObject { Count: 0 } or JsonArray { Count: 0 } => true,
        JsonValue text when text.TryGetValue(out string? word) => (key, word) is ("bias", "none") or ("init_lora_weights", "gaussian"),
        JsonValue flag when flag.TryGetValue(out bool on) => !on || key == "init_lora_weights",
        _ => false,
    };

    private static string Short(JsonNode value) => value.ToJsonString() is { Length: > 40 } text ? string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, 40)}…") : value.ToJsonString();
}
