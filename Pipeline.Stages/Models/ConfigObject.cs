using System.Text.Json;

namespace Pipeline.Stages.Models;

/// <summary>A JSON object read key by key, that knows which keys were asked for, so that what nobody asked for can be refused.</summary>
internal sealed class ConfigObject(JsonElement element, string prefix, List<string> errors)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public JsonElement Element => element;

    public IReadOnlyList<string> Unread(IReadOnlySet<string> harmless)
        => [.. element.EnumerateObject().Where(entry => entry.Value.ValueKind != JsonValueKind.Null && !_read.Contains(entry.Name) && !harmless.Contains(entry.Name) && !HarmlessKeys.IsIgnored(entry.Name)).Select(entry => $"{prefix}{entry.Name} = {Short(entry.Value)}")];

    public void Error(string key, string what) => errors.Add($"{prefix}{key} {what}");

    public bool Has(string key) => element.TryGetProperty(key, out _);

    /// <summary>Null when it is absent or null.</summary>
    public JsonElement? Get(string key)
    {
        _read.Add(key);
        return element.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public ConfigObject? Object(string key)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Object)
            return new ConfigObject(value, $"{prefix}{key}.", errors);
        Error(key, $"= {Short(value)}, expected an object");
        return null;
    }

    public string? Text(string key)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        Error(key, $"= {Short(value)}, expected text");
        return null;
    }

    public bool? Flag(string key)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        Error(key, $"= {Short(value)}, expected true or false");
        return null;
    }

    public double? Number(string key, bool positive = true)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) && (number > 0 || (number == 0 && !positive)))
            return number;
        Error(key, $"= {Short(value)}, expected a number {(positive ? "above 0" : "of 0 or more")}");
        return null;
    }

    public int? Count(string key, int least = 1, int most = int.MaxValue)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == Math.Floor(number) && number >= least && number <= most)
            return (int)number;
        Error(key, $"= {Short(value)}, expected a whole number from {least}{(most == int.MaxValue ? "" : $" to {most}")}");
        return null;
    }

    /// <summary>A list of as many numbers above 0.</summary>
    public IReadOnlyList<double>? Numbers(string key, int count)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == count
            && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number && item.TryGetDouble(out double number) && double.IsFinite(number) && number > 0))
            return [.. value.EnumerateArray().Select(item => item.GetDouble())];
        Error(key, $"= {Short(value)}, expected {count} numbers above 0");
        return null;
    }

    private static string Short(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
