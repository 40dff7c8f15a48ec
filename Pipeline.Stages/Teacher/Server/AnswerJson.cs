using System.Text.Json;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>Requests in JSON, and answers that may be anything.</summary>
internal static class AnswerJson
{
    /// <summary>A number above it is a mistake, not a log-probability; below it, rounding.</summary>
    private const double LargestLogProbability = 1e-3;

    /// <summary>A member that must be there.</summary>
    public static JsonElement Member(this JsonElement value, string name, JsonValueKind kind, string where)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out JsonElement member))
            throw new ServerAnswerException($"{where} has no '{name}'");
        return member.ValueKind == kind ? member : throw new ServerAnswerException($"{where}: '{name}' is {Kind(member)}, expected {kind.ToString().ToLowerInvariant()}");
    }

    /// <summary>The one choice of a completion: requests are of one row.</summary>
    public static JsonElement OneChoice(this JsonElement answer)
    {
        JsonElement choices = answer.Member("choices", JsonValueKind.Array, "the answer");
        if (choices.GetArrayLength() != 1)
            throw new ServerAnswerException($"{choices.GetArrayLength()} choices for one row");
        JsonElement choice = choices[0];
        return !choice.TryGetProperty("index", out JsonElement index) || (index.ValueKind == JsonValueKind.Number && index.TryGetInt32(out int at) && at == 0)
            ? choice
            : throw new ServerAnswerException($"the choice is number {index}, expected 0: an answer to another row");
    }

    /// <summary>A log-probability: finite, and of a probability of at most 1.</summary>
    public static double LogProbability(this JsonElement value, Func<string> where)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number))
            throw new ServerAnswerException($"{where()} is {Kind(value)}, expected a log-probability");
        if (!double.IsFinite(number) || number > LargestLogProbability)
            throw new ServerAnswerException($"{where()} is {value.GetRawText()}, expected a log-probability, which is finite and at most 0");
        return Math.Min(0, number);
    }

    /// <summary>Whether the model ended its answer, by the reason that a server gives; else the limit did.</summary>
    public static bool IsEnded(string reason) => reason switch
    {
        "stop" => true,
        "length" => false,
        _ => throw new ServerAnswerException($"it ended for '{reason}', expected stop or length"),
    };

    /// <summary>How many tokens a server says it wrote; 0 where it does not say.</summary>
    public static int Tokens(this JsonElement answer, string member)
        => answer.TryGetProperty(member, out JsonElement usage) && usage.ValueKind == JsonValueKind.Object
            && usage.TryGetProperty("completion_tokens", out JsonElement tokens) && tokens.ValueKind == JsonValueKind.Number && tokens.TryGetInt32(out int count) ? Math.Max(0, count) : 0;

    public static void WriteIds(this Utf8JsonWriter json, string name, ReadOnlySpan<int> ids)
    {
        json.WriteStartArray(name);
        foreach (int id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.String => "a string",
        JsonValueKind.Array => $"a list of {value.GetArrayLength()}",
        JsonValueKind.Object => "an object",
        _ => value.GetRawText(),
    };
}
