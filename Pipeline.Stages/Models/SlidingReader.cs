using System.Globalization;
using System.Text.Json;

namespace Pipeline.Stages.Models;

/// <summary>Reads which layers have sliding-window attention, and the size of the window.</summary>
internal static class SlidingReader
{
    private const string SlidingType = "sliding_attention";
    private const string FullType = "full_attention";

    /// <summary>
    /// The window, in positions (see <see cref="ModelConfig.SlidingWindow"/>), and for each layer whether it slides. What is wrong is added to the
    /// errors of <paramref name="text"/>.
    /// </summary>
    public static (int? Window, bool[] Sliding) Read(ConfigObject text, ModelFamily family, int layers)
    {
        int? window = text.Count("sliding_window");
        if (!text.Has("sliding_window"))
            window = family.Defaults.SlidingWindow;
        // Some configs of Gemma 2 have this old name in addition to the present one.
        if (text.Count("sliding_window_size") is { } size && size != window)
            text.Error("sliding_window_size", $"= {size}, but sliding_window is {window?.ToString(CultureInfo.InvariantCulture) ?? "null"}");
        bool use = text.Flag("use_sliding_window") ?? false;
        int from = text.Count("max_window_layers", 0) ?? 28;
        int pattern = text.Count("sliding_window_pattern") ?? text.Count("_sliding_window_pattern") ?? 6;
        text.Get("_sliding_window_pattern");
        if (family.Sliding == SlidingRule.UpperLayers && !use)
            window = null;
        bool[] byRule = new bool[layers];
        for (int i = 0; i < layers; i++)
        {
            byRule[i] = family.Sliding switch
            {
                SlidingRule.All => window is not null,
                SlidingRule.UpperLayers => window is not null && i >= from,
                SlidingRule.EvenLayers => i % 2 == 0,
                SlidingRule.Pattern => (i + 1) % pattern != 0,
                _ => false,
            };
        }

        bool[] sliding = ReadTypes(text, layers) ?? byRule;
        if (family.Sliding is SlidingRule.None or SlidingRule.All && !sliding.SequenceEqual(byRule))
            text.Error("layer_types", "mixes kinds of layers, which this family does not support");
        if (window is null && sliding.Contains(true))
            text.Error("layer_types", $"has layers of type {SlidingType}, but {(family.Sliding == SlidingRule.UpperLayers && !use ? "use_sliding_window is not true" : "sliding_window is null")}");
        return (sliding.Contains(true) ? window : null, sliding);
    }

    private static bool[]? ReadTypes(ConfigObject text, int layers)
    {
        if (text.Get("layer_types") is not { } types)
            return null;
        if (types.ValueKind != JsonValueKind.Array || types.GetArrayLength() != layers)
        {
            text.Error("layer_types", $"must list a type for each of the {layers} layers");
            return null;
        }

        bool[] sliding = new bool[layers];
        int i = 0;
        foreach (JsonElement type in types.EnumerateArray())
        {
            string? name = type.ValueKind == JsonValueKind.String ? type.GetString() : null;
            if (name is not (SlidingType or FullType))
                text.Error($"layer_types[{i}]", $"= {type.GetRawText()} is not supported; supported: {FullType}, {SlidingType}");
            sliding[i++] = name == SlidingType;
        }

        return sliding;
    }
}
