using System.Globalization;
using System.Text.Json;
using Pipeline.Stages.Choices;

namespace Pipeline.Stages.Tasks;

/// <summary>A row of a task's data, whose values are found by the names that the task gives its columns.</summary>
internal sealed class TaskRow(TaskFile task, JsonElement row)
{
    /// <summary>The row itself, an object.</summary>
    public JsonElement Row => row;

    /// <summary>The value of a column.</summary>
    /// <exception cref="ChoiceReject">The row has no value there.</exception>
    public JsonElement Value(string name)
        => At(row, task.Columns[name]) is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } value ? value : throw Missing(name, "it is empty");

    /// <summary>The value of a column as text.</summary>
    /// <exception cref="ChoiceReject">There is no value, or it is a list or an object.</exception>
    public string Text(string name)
    {
        JsonElement value = Value(name);
        return value.ValueKind is JsonValueKind.Array or JsonValueKind.Object ? throw Missing(name, "a list or an object, expected text") : value.ToString();
    }

    /// <summary>The entries of a column that is a list.</summary>
    /// <exception cref="ChoiceReject">There is no list, or it is empty.</exception>
    public IReadOnlyList<JsonElement> List(string name)
        => Value(name) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 ? [.. list.EnumerateArray()] : throw Missing(name, "expected a list that is not empty");

    /// <summary>A wording filled with the row's values, after the task's replacements in them.</summary>
    /// <exception cref="ChoiceReject">One of the values is missing.</exception>
    public string Fill(Wording wording) => wording.Fill(name => TaskPatterns.Replace(Text(name), task.CleanColumns));

    private ChoiceReject Missing(string name, string found) => new("a column is missing or empty", $"column '{task.Columns[name]}' ('{name}'): {found}");

    private static JsonElement At(JsonElement value, string path)
    {
        foreach (string part in path.Split('.'))
        {
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(part, out JsonElement inner))
                value = inner;
            else if (value.ValueKind == JsonValueKind.Array && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int at) && at < value.GetArrayLength())
                value = value[at];
            else
                return default;
        }
        return value;
    }
}
