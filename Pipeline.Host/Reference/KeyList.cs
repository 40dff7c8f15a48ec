using System.Collections;
using System.Globalization;
using System.Text;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Reference;

/// <summary>
/// Writes the keys of an options record as a Markdown list, each with what it takes, its default and its description. The keys of a record inside it are
/// indented below its own key.
/// </summary>
internal sealed class KeyList
{
    private readonly OptionTypes _types = new();

    /// <summary>The keys of a record.</summary>
    /// <returns>One line for each key, each with a line feed.</returns>
    public string Of(Type record)
    {
        var lines = new StringBuilder();
        Add(lines, record, "");
        return lines.ToString();
    }

    private void Add(StringBuilder lines, Type record, string indent)
    {
        OptionType options = _types.Of(record);
        object defaults = options.CreateDefault();
        foreach (OptionProperty property in options.Properties)
        {
            string takes = Takes(property.Value) + (property.Range is null ? "" : $", {OptionRange.Of(property.Range)}");
            string otherwise = property.Required ? "required" : Default(property.Property.GetValue(defaults)) is { } shown ? $"default {shown}" : "optional";
            lines.Append(CultureInfo.InvariantCulture, $"{indent}* **`{property.Key}`** ({takes}; {otherwise}){(property.Description is null ? "" : $": {property.Description}")}\n");
            if (RecordOf(property.Value) is { } inner)
                Add(lines, inner, indent + "  ");
        }
    }

    private static Type? RecordOf(OptionValue value) => value.Kind switch
    {
        OptionKind.Record => value.Type,
        OptionKind.List => RecordOf(value.Element!),
        _ => null,
    };

    private static string Takes(OptionValue value) => value.Kind switch
    {
        OptionKind.Boolean => "true or false",
        OptionKind.Integer => "whole number",
        OptionKind.Number => "number",
        OptionKind.String => "text",
        OptionKind.Enum => string.Join(" or ", Enum.GetValues(value.Type).Cast<object>().Select(member => $"`{OptionType.EnumName(member)}`")),
        OptionKind.List => $"list of: {Takes(value.Element!)}",
        OptionKind.Stage => "a [stage](README.md#stages)",
        OptionKind.Teacher => "a [teacher](README.md#teachers)",
        _ => "object",
    };

    // The default as one would write it in a definition. Null for records, and where leaving the key out is not the same as any value.
    private static string? Default(object? value) => value switch
    {
        null => null,
        bool truth => truth ? "`true`" : "`false`",
        string text => $"`\"{text}\"`",
        Enum member => $"`\"{OptionType.EnumName(member)}\"`",
        IFormattable number when value is int or long or double => $"`{number.ToString(null, CultureInfo.InvariantCulture)}`",
        IEnumerable items => $"`[{string.Join(", ", items.Cast<object?>().Select(item => Default(item)?.Trim('`')))}]`",
        _ => null,
    };
}
