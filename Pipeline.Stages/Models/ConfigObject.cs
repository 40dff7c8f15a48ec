using System.Text.Json;

namespace Pipeline.Stages.Models;

/// <summary>
/// A JSON object of a config, which is read key by key. It remembers which keys were asked for, so that all others can be refused. A value of the wrong
/// kind is read as null, and an error is added to a list, so that everything wrong can be reported together.
/// </summary>
/// <param name="element">The object.</param>
/// <param name="prefix">What messages put before the names of its keys, such as <c>text_config.</c>; empty for the outermost object.</param>
/// <param name="errors">Gets the errors.</param>
internal sealed class ConfigObject(JsonElement element, string prefix, List<string> errors)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public JsonElement Element => element;

    /// <summary>The keys with their values that were not asked for, are not null, and are neither harmless nor ignored at the user's word.</summary>
    public IReadOnlyList<string> Unread(IReadOnlySet<string> harmless)
        => [.. element.EnumerateObject().Where(entry => entry.Value.ValueKind != JsonValueKind.Null && !_read.Contains(entry.Name) && !harmless.Contains(entry.Name) && !HarmlessKeys.IsIgnored(entry.Name)).Select(entry => $"{prefix}{entry.Name} = {Short(entry.Value)}")];

    /// <summary>Adds an error: the key's full name, followed by what is wrong.</summary>
    public void Error(string key, string what) => errors.Add($"{prefix}{key} {what}");

    public bool Has(string key) => element.TryGetProperty(key, out _);

    /// <summary>The value of a key; null if the key is absent or its value is null.</summary>
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

    /// <summary>A finite number above 0, or of 0 or more if <paramref name="positive"/> is false.</summary>
    public double? Number(string key, bool positive = true)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) && (number > 0 || (number == 0 && !positive)))
            return number;
        Error(key, $"= {Short(value)}, expected a number {(positive ? "above 0" : "of 0 or more")}");
        return null;
    }

    /// <summary>A whole number within the limits, both included.</summary>
    public int? Count(string key, int least = 1, int most = int.MaxValue)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == Math.Floor(number) && number >= least && number <= most)
            return (int)number;
        Error(key, $"= {Short(value)}, expected a whole number from {least}{(most == int.MaxValue ? "" : $" to {most}")}");
        return null;
    }

    /// <summary>A list of exactly <paramref name="count"/> numbers above 0.</summary>
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
