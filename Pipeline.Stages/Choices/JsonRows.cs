using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Choices;

/// <summary>Reads questions from lines of JSON.</summary>
internal static class JsonRows
{
    private const int MostBytes = 1 << 24;

    /// <summary>
    /// For each line that is not blank, a function that makes its question for an id. The function throws <see cref="ChoiceReject"/> where the line is not a
    /// question.
    /// </summary>
    /// <param name="storage">Where the file is.</param>
    /// <param name="path">Its full path.</param>
    /// <param name="make">Makes the question of a line that is an object. The object is only valid during the call.</param>
    public static IEnumerable<Func<DocumentId, ChoiceQuestion>> Read(IStorage storage, string path, Func<DocumentId, JsonElement, ChoiceQuestion> make)
    {
        using Stream stream = storage.OpenRead(path);
        using var text = new StreamReader(stream);
        while (text.ReadLine() is { } line)
        {
            if (!string.IsNullOrWhiteSpace(line))
                yield return id => Parse(id, line, make);
        }
    }

    /// <summary>A field that must be a text and not empty.</summary>
    /// <exception cref="ChoiceReject">It is not.</exception>
    public static string Text(JsonElement of, string name)
        => of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw new ChoiceReject("a field is missing or empty", $"field '{name}'");

    /// <summary>A field that must be a list of texts, of which none is empty.</summary>
    /// <exception cref="ChoiceReject">It is not.</exception>
    public static List<string> Texts(JsonElement of, string name)
        => of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0
            && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String && v.GetString()!.Length > 0)
                ? [.. value.EnumerateArray().Select(v => v.GetString()!)]
                : throw new ChoiceReject("a field is missing or empty", $"field '{name}': expected a list of texts");

    /// <summary>The question of a line of <see cref="ChoiceFormat.Plain"/>.</summary>
    public static ChoiceQuestion Plain(DocumentId id, JsonElement line, string examples)
    {
        List<string> right = Texts(line, "true"), wrong = Texts(line, "false");
        return new ChoiceQuestion(id, examples + Text(line, "prompt"), [.. right, .. wrong], [.. right.Select(_ => true), .. wrong.Select(_ => false)], 0)
        {
            Category = line.TryGetProperty("category", out JsonElement category) && category.ValueKind == JsonValueKind.String ? category.GetString()! : "",
        };
    }

    private static ChoiceQuestion Parse(DocumentId id, string line, Func<DocumentId, JsonElement, ChoiceQuestion> make)
    {
        if (line.Length > MostBytes)
            throw new ChoiceReject("line is too long", $"{line.Length} characters");
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object ? make(id, document.RootElement) : throw new ChoiceReject("line is not a JSON object", "expected an object");
        }
        catch (JsonException e)
        {
            throw new ChoiceReject("line is not JSON", e.Message);
        }
        catch (InvalidOperationException e)
        {
            throw new ChoiceReject("text is not Unicode", e.Message);
        }
    }
}
