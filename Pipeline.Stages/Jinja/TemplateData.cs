using System.Text.Json;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Jinja;

/// <summary>Turns JSON into the values of a template: well-formed NFC text, whole and other numbers, and keys in their order.</summary>
internal static class TemplateData
{
    /// <summary>Parses an object.</summary>
    /// <param name="json">The object. It was checked when it was read.</param>
    /// <param name="text">Makes the text values from strings. Keys count as text of the template.</param>
    public static TemplateDictionary Parse(string json, Func<string, TracedText> text)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = TemplateValues.DeepestData });
        return (TemplateDictionary)Value(document.RootElement, text)!;
    }

    private static object? Value(JsonElement element, Func<string, TracedText> text)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String: return text(WellFormedText.Normalize(element.GetString()!));
            case JsonValueKind.Number: return element.TryGetInt64(out long whole) && !element.GetRawText().AsSpan().ContainsAny('.', 'e', 'E') ? whole : element.GetDouble();
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.Array: return element.EnumerateArray().Select(item => Value(item, text)).ToList();
            case JsonValueKind.Object:
                var dictionary = new TemplateDictionary();
                foreach (JsonProperty property in element.EnumerateObject())
                    dictionary.Set(TracedText.Literal(WellFormedText.Normalize(property.Name)), Value(property.Value, text));
                return dictionary;
            default: return null;
        }
    }
}
