using System.Globalization;

namespace Pipeline.Stages.Chat.Templates;

/// <summary>The filters behind <c>|</c>.</summary>
internal static class TemplateFilters
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "trim", "tojson", "length", "count", "string", "list", "first", "last", "join", "replace", "default", "d", "upper", "lower", "capitalize",
        "title", "items", "int", "float", "abs", "reverse", "safe", "select", "reject", "selectattr", "rejectattr", "map", "indent",
    };

    private const int WidestIndent = 1_000;

    public static bool IsKnown(string name) => Known.Contains(name);

    public static object? Apply(string name, object? value, IReadOnlyList<object?> positional, IReadOnlyList<(string Name, object? Value)> named, int line)
    {
        switch (name)
        {
            case "trim": return Text().Trim(start: true, end: true, Argument(0, "chars") is TracedText chars ? chars.Text : null);
            case "tojson": return TracedText.Literal(TemplateJson.Write(value, Argument(0, "indent") is long width ? Width(width) : null, line));
            case "length" or "count": return value is TracedText s ? s.Length : (long)TemplateValues.Items(value, line).Count;
            case "string": return TemplateValues.ToText(value, line);
            case "safe": return value;
            case "list": return new List<object?>(TemplateValues.Items(value, line));
            case "first": return TemplateValues.Items(value, line) is [var first, ..] ? first : new Undefined("first");
            case "last": return TemplateValues.Items(value, line) is [.., var last] ? last : new Undefined("last");
            case "join": return Join();
            case "replace": return Text().Replace(Required(0, "old").Text, Required(1, "new"));
            case "default" or "d":
                bool whenFalse = Argument(1, "boolean") is { } flag && TemplateValues.IsTrue(flag);
                return value is Undefined || (whenFalse && !TemplateValues.IsTrue(value)) ? Argument(0, "default_value") ?? TracedText.Empty : value;
            case "upper" or "lower" or "capitalize" or "title": return TemplateMethods.ChangeCase(name, Text());
            case "items": return TemplateMethods.Items(value, line);
            case "int": return value is TracedText t && long.TryParse(t.Text, CultureInfo.InvariantCulture, out long parsed) ? parsed : (long)(TemplateValues.Number(value) ?? 0);
            case "float": return value is TracedText t2 && double.TryParse(t2.Text, CultureInfo.InvariantCulture, out double real) ? real : TemplateValues.Number(value) ?? 0.0;
            case "abs": return value is long n and > long.MinValue ? Math.Abs(n) : Math.Abs(TemplateValues.Number(value) ?? throw Wrong("a number"));
            case "reverse": return new List<object?>(Enumerable.Reverse(TemplateValues.Items(value, line)));
            case "select" or "reject": return Where(x => x, name == "select", 0);
            case "selectattr" or "rejectattr":
                string attribute = Required(0, "attribute").Text;
                return Where(x => TemplateMethods.Attribute(x, attribute), name == "selectattr", 1);
            case "map": return Map();
            case "indent": return Indent();
            default: throw new ChatTemplateException($"line {line}: the filter '{name}' is not implemented");
        }

        TracedText Text() => TemplateValues.ToText(value, line);

        object? Argument(int index, string argument)
            => index < positional.Count ? positional[index] : named.FirstOrDefault(a => a.Name == argument).Value;

        TracedText Required(int index, string argument) => Argument(index, argument) as TracedText ?? throw Wrong($"a string '{argument}'");

        ChatTemplateException Wrong(string expected) => new($"line {line}: the filter '{name}' wants {expected}");

        int Width(long width) => width is >= 0 and <= WidestIndent ? (int)width : throw Wrong($"an indent of 0 to {WidestIndent}");

        TracedText Join()
        {
            TracedText.Builder joined = new();
            TracedText separator = Argument(0, "d") as TracedText ?? TracedText.Empty;
            string? attribute = (Argument(1, "attribute") as TracedText)?.Text;
            foreach ((int i, object? item) in TemplateValues.Items(value, line).Index())
            {
                if (i > 0)
                    joined.Append(separator);
                joined.Append(TemplateValues.ToText(attribute is null ? item : TemplateMethods.Attribute(item, attribute), line));
            }
            return joined.ToText();
        }

        List<object?> Where(Func<object?, object?> key, bool keep, int testAt)
        {
            string? test = (Argument(testAt, "test") as TracedText)?.Text;
            if (test is not null && !TemplateTests.IsKnown(test))
                throw new ChatTemplateException($"line {line}: the test '{test}' is not implemented");
            object?[] rest = [.. positional.Skip(testAt + 1)];
            return [.. TemplateValues.Items(value, line)
                .Where(x => (test is null ? TemplateValues.IsTrue(key(x)) : TemplateTests.Apply(test, key(x), rest, line)) == keep)];
        }

        List<object?> Map()
        {
            if (named.FirstOrDefault(a => a.Name == "attribute").Value is TracedText attribute)
                return [.. TemplateValues.Items(value, line).Select(x => TemplateMethods.Attribute(x, attribute.Text))];
            string filter = Required(0, "filter").Text;
            if (!IsKnown(filter))
                throw new ChatTemplateException($"line {line}: the filter '{filter}' is not implemented");
            object?[] rest = [.. positional.Skip(1)];
            return [.. TemplateValues.Items(value, line).Select(x => Apply(filter, x, rest, named, line))];
        }

        TracedText Indent()
        {
            string pad = Argument(0, "width") switch { TracedText custom => custom.Text, long width => new string(' ', Width(width)), _ => "    " };
            bool firstToo = TemplateValues.IsTrue(Argument(1, "first")), blankToo = TemplateValues.IsTrue(Argument(2, "blank"));
            TracedText.Builder indented = new();
            foreach ((int i, object? part) in Text().Split("\n", -1).Index())
            {
                TracedText row = (TracedText)part!;
                if (i > 0)
                    indented.Append("\n");
                if ((i > 0 || firstToo) && (blankToo || row.Length > 0 || i == 0))
                    indented.Append(pad);
                indented.Append(row);
            }
            return indented.ToText();
        }
    }
}
