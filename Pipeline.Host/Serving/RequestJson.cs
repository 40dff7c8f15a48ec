using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Host.Serving;

/// <summary>The fields of a request's body. Each is checked when it is read, and a wrong one is a <see cref="RequestException"/>. Null counts as missing.</summary>
internal readonly struct RequestJson(JsonElement root)
{
    /// <summary>Reads the body of a request.</summary>
    /// <exception cref="RequestException">The body is not a JSON object, or is too long.</exception>
    public static async Task<RequestJson> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            // Not disposed of, because elements of it are used until the request is answered.
            JsonDocument document = await JsonDocument.ParseAsync(request.Body, default, cancellationToken);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new RequestJson(document.RootElement)
                : throw new RequestException(StatusCodes.Status400BadRequest, $"the body is {Kind(document.RootElement)}, expected a JSON object");
        }
        catch (JsonException e)
        {
            throw new RequestException(StatusCodes.Status400BadRequest, $"the body is not JSON: {e.Message}");
        }
        catch (BadHttpRequestException e)
        {
            throw new RequestException(e.StatusCode, e.Message);
        }
    }

    public JsonElement? this[string name] => root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => this[name] is not { } value ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, value, "text");

    public bool Flag(string name, bool otherwise = false) => this[name] is not { } value ? otherwise
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false");

    public int? Whole(string name, int low, int high)
    {
        if (this[name] is not { } value)
            return null;
        string expected = string.Create(CultureInfo.InvariantCulture, $"a whole number from {low} to {high}");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int number) || number < low || number > high)
            throw Wrong(name, value, expected);
        return number;
    }

    public double? Number(string name, double low, double high)
    {
        if (this[name] is not { } value)
            return null;
        string expected = string.Create(CultureInfo.InvariantCulture, $"a number from {low} to {high}");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !(number >= low && number <= high))
            throw Wrong(name, value, expected);
        return number;
    }

    /// <summary>A text, or a list of at most so many texts. Empty if the field is missing.</summary>
    public IReadOnlyList<string> Texts(string name, int most)
    {
        if (this[name] is not { } value)
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > most || value.EnumerateArray().Any(t => t.ValueKind != JsonValueKind.String))
            throw Wrong(name, value, $"text, or a list of at most {most} texts");
        return [.. value.EnumerateArray().Select(t => t.GetString()!)];
    }

    /// <summary>Refuses a field that would change the answer, but that this server does not support.</summary>
    /// <param name="name">The name of the field.</param>
    /// <param name="isHarmless">Whether a value changes nothing, so that it can be accepted.</param>
    public void Refuse(string name, Predicate<JsonElement> isHarmless)
    {
        if (this[name] is { } value && !isHarmless(value))
            throw new RequestException(StatusCodes.Status400BadRequest, $"'{name}' is not supported; leave it out", name, "unsupported_parameter");
    }

    public static int[] Ids(JsonElement list, string name)
    {
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(id => id.ValueKind != JsonValueKind.Number || !id.TryGetInt32(out _)))
            throw Wrong(name, list, "a list of token ids");
        return [.. list.EnumerateArray().Select(id => id.GetInt32())];
    }

    public static RequestException Wrong(string name, JsonElement found, string expected)
        => new(StatusCodes.Status400BadRequest, $"'{name}' is {Kind(found)}, expected {expected}", name);

    private static string Kind(JsonElement value)
    {
        string raw = value.ValueKind switch { JsonValueKind.Array => "a list", JsonValueKind.Object => "an object", _ => value.GetRawText() };
        return raw.Length > 60 ? raw[..60] + "…" : raw;
    }
}
