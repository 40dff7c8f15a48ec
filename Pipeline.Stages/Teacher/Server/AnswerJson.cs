using System.Text.Json;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// Writes requests in JSON, and reads answers, which may be anything. An answer that lacks what a method requires is a
/// <see cref="ServerAnswerException"/>.
/// </summary>
internal static class AnswerJson
{
    /// <summary>A log-probability may be above 0 by this much, through rounding. A larger number is no log-probability.</summary>
    private const double LargestLogProbability = 1e-3;

    /// <summary>A member that an object must have.</summary>
    /// <param name="value">The object.</param>
    /// <param name="name">The member's name.</param>
    /// <param name="kind">The kind of value that it must have.</param>
    /// <param name="where">What the message calls the object.</param>
    public static JsonElement Member(this JsonElement value, string name, JsonValueKind kind, string where)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out JsonElement member))
            throw new ServerAnswerException($"{where} has no '{name}'");
        return member.ValueKind == kind ? member : throw new ServerAnswerException($"{where}: '{name}' is {Kind(member)}, expected {kind.ToString().ToLowerInvariant()}");
    }

    /// <summary>The choice in the answer to a completion. There must be exactly one, because each request has one row.</summary>
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

    /// <summary>Reads a log-probability, which must be finite and at most 0.</summary>
    /// <param name="value">The JSON value.</param>
    /// <param name="where">Says what the message calls the value. It is called only if there is an error.</param>
    public static double LogProbability(this JsonElement value, Func<string> where)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number))
            throw new ServerAnswerException($"{where()} is {Kind(value)}, expected a log-probability");
        if (!double.IsFinite(number) || number > LargestLogProbability)
            throw new ServerAnswerException($"{where()} is {value.GetRawText()}, expected a log-probability, which is finite and at most 0");
        return Math.Min(0, number);
    }

    /// <summary>Whether the model ended its text by itself, by the reason that the server gives; otherwise the limit of tokens did.</summary>
    public static bool IsEnded(string reason) => reason switch
    {
        "stop" => true,
        "length" => false,
        _ => throw new ServerAnswerException($"it ended for '{reason}', expected stop or length"),
    };

    /// <summary>The number of tokens that the server says it wrote; 0 if it does not say.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="member">The member of the answer that has the count.</param>
    public static int Tokens(this JsonElement answer, string member)
        => answer.TryGetProperty(member, out JsonElement usage) && usage.ValueKind == JsonValueKind.Object
            && usage.TryGetProperty("completion_tokens", out JsonElement tokens) && tokens.ValueKind == JsonValueKind.Number && tokens.TryGetInt32(out int count) ? Math.Max(0, count) : 0;

    /// <summary>Writes ids as a member of the request.</summary>
    public static void WriteIds(this Utf8JsonWriter json, string name, ReadOnlySpan<int> ids)
    {
        json.WriteStartArray(name);
        foreach (int id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    /// <summary>What a message calls a value that is not what was expected.</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.String => "a string",
        JsonValueKind.Array => $"a list of {value.GetArrayLength()}",
        JsonValueKind.Object => "an object",
        _ => value.GetRawText(),
    };
}
