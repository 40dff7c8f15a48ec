using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>The filter <c>tojson</c> as Hugging Face gives it to chat templates: Python's <c>json.dumps</c> without <c>ensure_ascii</c>.</summary>
internal static class TemplateJson
{
    private static readonly Comparer<object?> KeyOrder = Comparer<object?>.Create((a, b) => string.CompareOrdinal(Key(a, 0), Key(b, 0)));

    /// <summary>How JSON is laid out.</summary>
    /// <param name="Indent">The number of spaces per level, or null for a single line.</param>
    /// <param name="Between">What is written between items.</param>
    /// <param name="Colon">What is written between a key and its value.</param>
    /// <param name="IsSorted">Whether keys are sorted.</param>
    public sealed record Layout(int? Indent, string Between, string Colon, bool IsSorted);

    public static TracedText Write(object? value, Layout layout, int line)
    {
        StringBuilder json = new();
        Write(json, value, layout, 0, line);
        return OfTurn(json.ToString(), value);
    }

    /// <summary>Text that was written from a value. It belongs to the turn of the first text in the value that belongs to one.</summary>
    public static TracedText OfTurn(string text, object? value)
        => FindTurn(value, 0) is >= 0 and int turn ? TracedText.OfTurn(text, turn) : TracedText.Literal(text);

    private static int FindTurn(object? value, int depth) => value switch
    {
        _ when depth > TemplateValues.DeepestData => -1,
        TracedText { Length: > 0 } text => TracedText.TurnOf(text.Origin(0)),
        List<object?> list => list.Select(item => FindTurn(item, depth + 1)).FirstOrDefault(turn => turn >= 0, -1),
        TemplateDictionary dictionary => dictionary.Keys.Select(key => FindTurn(dictionary[key], depth + 1)).FirstOrDefault(turn => turn >= 0, -1),
        _ => -1,
    };

    private static void Write(StringBuilder json, object? value, Layout layout, int depth, int line)
    {
        if (depth > TemplateValues.DeepestData || json.Length > TracedText.MaxLength)
            throw new ChatTemplateException($"line {line}: tojson of data nested deeper than {TemplateValues.DeepestData}, or of more than {TracedText.MaxLength} characters");
        switch (value)
        {
            case null: json.Append("null"); break;
            case bool b: json.Append(b ? "true" : "false"); break;
            case long n: json.Append(n.ToString(CultureInfo.InvariantCulture)); break;
            case double: json.Append(TemplateValues.ToText(value, line).Text); break;
            case TracedText text: WriteString(json, text.Text); break;
            case List<object?> list:
                WriteItems(json, '[', ']', list.Count, layout, depth, i => Write(json, list[i], layout, depth + 1, line));
                break;
            case TemplateDictionary dictionary:
                object?[] keys = layout.IsSorted ? [.. dictionary.Keys.Order(KeyOrder)] : [.. dictionary.Keys];
                WriteItems(json, '{', '}', keys.Length, layout, depth, i =>
                {
                    WriteString(json, Key(keys[i], line));
                    json.Append(layout.Colon);
                    Write(json, dictionary[keys[i]], layout, depth + 1, line);
                });
                break;
            default: throw new ChatTemplateException($"line {line}: tojson cannot write {TemplateValues.Kind(value)}");
        }
    }

    private static string Key(object? key, int line) => key switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        _ => TemplateValues.ToText(key, line).Text,
    };

    private static void WriteItems(StringBuilder json, char open, char close, int count, Layout layout, int depth, Action<int> write)
    {
        json.Append(open);
        for (int i = 0; i < count; i++)
        {
            if (i > 0)
                json.Append(layout.Between);
            if (layout.Indent is { } width)
                json.Append('\n').Append(' ', width * (depth + 1));
            write(i);
        }
        if (layout.Indent is { } last && count > 0)
            json.Append('\n').Append(' ', last * depth);
        json.Append(close);
    }

    private static void WriteString(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }
        json.Append('"');
    }
}
