using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>Values as Python's <c>repr</c> shows them. A template writes lists and dictionaries so.</summary>
internal static class PythonText
{
    public static string Of(object? value, int line)
    {
        StringBuilder text = new();
        Write(text, value, 0, line);
        return text.ToString();
    }

    public static string Of(double number) => number switch
    {
        double.PositiveInfinity => "inf",
        double.NegativeInfinity => "-inf",
        double.NaN => "nan",
        _ when number == Math.Floor(number) && Math.Abs(number) < 1e16 => number.ToString("F1", CultureInfo.InvariantCulture),
        _ => number.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e'),
    };

    private static void Write(StringBuilder text, object? value, int depth, int line)
    {
        if (depth > TemplateValues.DeepestData || text.Length > TracedText.MaxLength)
            throw new ChatTemplateException($"line {line}: writing data nested deeper than {TemplateValues.DeepestData}, or of more than {TracedText.MaxLength} characters");
        switch (value)
        {
            case TracedText t: WriteString(text, t.Text); break;
            case TemplateTuple { Count: 1 } one: WriteItems("(", ",)", one, i => Write(text, i, depth + 1, line)); break;
            case TemplateTuple tuple: WriteItems("(", ")", tuple, i => Write(text, i, depth + 1, line)); break;
            case TemplateView view: WriteItems($"dict_{view.Name}([", "])", view, i => Write(text, i, depth + 1, line)); break;
            case List<object?> list: WriteItems("[", "]", list, i => Write(text, i, depth + 1, line)); break;
            case TemplateDictionary dictionary:
                WriteItems("{", "}", dictionary.Keys, key =>
                {
                    Write(text, key, depth + 1, line);
                    text.Append(": ");
                    Write(text, dictionary[key], depth + 1, line);
                });
                break;
            default: text.Append(TemplateValues.ToText(value, line).Text); break;
        }

        void WriteItems(string open, string close, IReadOnlyList<object?> items, Action<object?> write)
        {
            text.Append(open);
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0)
                    text.Append(", ");
                write(items[i]);
            }
            text.Append(close);
        }
    }

    private static void WriteString(StringBuilder text, string value)
    {
        char quote = value.Contains('\'') && !value.Contains('"') ? '"' : '\'';
        text.Append(quote);
        foreach (Rune rune in value.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\\': text.Append("\\\\"); break;
                case var c when c == quote: text.Append('\\').Append(quote); break;
                case < 0x100 when !IsPrintable(rune): text.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"); break;
                case < 0x10000 when !IsPrintable(rune): text.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"); break;
                case var c when !IsPrintable(rune): text.Append(CultureInfo.InvariantCulture, $"\\U{c:x8}"); break;
                default: text.Append(rune.ToString()); break;
            }
        }
        text.Append(quote);
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
