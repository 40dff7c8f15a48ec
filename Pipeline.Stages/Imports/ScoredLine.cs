using System.Globalization;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Imports;

/// <summary>Reads a row of scores from a line of JSON.</summary>
internal static class ScoredLine
{
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 512 };

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line, which must not be blank.</param>
    /// <param name="id">The line's id.</param>
    /// <param name="options">What the fields are called.</param>
    /// <exception cref="RejectedException">The line is not JSON, or lacks a field.</exception>
    public static ScoredRow Read(ReadOnlyMemory<byte> line, DocumentId id, ImportScoresOptions options)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Reading);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(document.RootElement, id, options)
                : throw new RejectedException(id, TextRejects.NotAnObject, "");
        }
        catch (JsonException e)
        {
            throw new RejectedException(id, TextRejects.NotJson, $"{e.Message}");
        }
        catch (InvalidOperationException)
        {
            // The JSON reader throws this for half of a surrogate pair.
            throw new RejectedException(id, TextRejects.NotUnicode, "");
        }
    }

    private static ScoredRow Read(JsonElement row, DocumentId id, ImportScoresOptions options)
    {
        T[]? List<T>(string? path, Func<JsonElement, string, T> value)
            => path is null ? null : [.. Entries(row, path, id).Select((e, i) => value(e, string.Create(CultureInfo.InvariantCulture, $"'{path}' at token {i}")))];
        double?[]? Numbers(string? path) => List(path, (e, at) => Number(e, id, at));
        double?[]? lower = Numbers(options.Boundary ?? options.BoundaryLower);
        RowText? turns = options.Messages is null ? null : Messages(row, options, id);
        return new ScoredRow(
            Text(row, options.Text, id),
            options.Prompt is null ? "" : Text(row, options.Prompt, id),
            List(options.Ids, (e, at) => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int token) ? token : throw new RejectedException(id, ImportRejects.NoId, at)),
            List(options.Bytes, (e, at) => Bytes(e) ?? throw new RejectedException(id, ImportRejects.NoBytes, at)),
            Numbers(options.LogLikelihood)!,
            lower,
            options.Boundary is null ? Numbers(options.BoundaryUpper) : lower)
        { Messages = turns?.Messages, Fields = turns?.Fields };
    }

    private static RowText Messages(JsonElement row, ImportScoresOptions options, DocumentId id)
    {
        byte[] Raw(string name) => row.TryGetProperty(name, out JsonElement value) ? Encoding.UTF8.GetBytes(value.GetRawText()) : [];
        string turns = Walk(row, options.Messages!.Split('.'), options.Messages, id).GetRawText();
        return ScoredFile.Accepted(ConversationReader.Read(Encoding.UTF8.GetBytes(turns), Raw("tools"), Raw("documents"), options.MaxLineBytes), id);
    }

    private static string Text(JsonElement row, string path, DocumentId id)
    {
        JsonElement value = Walk(row, path.Split('.'), path, id);
        return value.ValueKind == JsonValueKind.String ? value.GetString()!
            : throw new RejectedException(id, value.ValueKind == JsonValueKind.Null ? TextRejects.Null : TextRejects.NotText, $"'{path}'");
    }

    /// <summary>The entries of the list that a path leads to, or, where the path goes on after the list, a field of each entry.</summary>
    private static IEnumerable<JsonElement> Entries(JsonElement row, string path, DocumentId id)
    {
        string[] steps = path.Split('.');
        JsonElement at = row;
        int taken = 0;
        while (taken < steps.Length && (at.ValueKind != JsonValueKind.Array || int.TryParse(steps[taken], NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            at = Step(at, steps[taken++], path, id);
        if (at.ValueKind != JsonValueKind.Array)
            throw new RejectedException(id, ImportRejects.NotAList, $"'{path}'");
        return at.EnumerateArray().Select(e => Walk(e, steps.AsSpan(taken), path, id));
    }

    private static JsonElement Walk(JsonElement at, ReadOnlySpan<string> steps, string path, DocumentId id)
    {
        foreach (string step in steps)
            at = Step(at, step, path, id);
        return at;
    }

    private static JsonElement Step(JsonElement at, string step, string path, DocumentId id)
    {
        if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(step, out JsonElement member))
            return member;
        if (at.ValueKind == JsonValueKind.Array && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < at.GetArrayLength())
            return at[index];
        throw new RejectedException(id, TextRejects.NoField, $"'{path}'");
    }

    private static double? Number(JsonElement value, DocumentId id, string at) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number => value.GetDouble(),
        _ => throw new RejectedException(id, ImportRejects.NoLogProbability, at),
    };

    private static byte[]? Bytes(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return Encoding.UTF8.GetBytes(value.GetString()!);
        if (value.ValueKind != JsonValueKind.Array)
            return null;
        var bytes = new byte[value.GetArrayLength()];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (value[i].ValueKind != JsonValueKind.Number || !value[i].TryGetByte(out bytes[i]))
                return null;
        }
        return bytes;
    }
}
