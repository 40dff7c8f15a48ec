using System.Globalization;

namespace Pipeline.Stages.Jinja;

/// <summary>The filters, which follow <c>|</c>.</summary>
internal static class TemplateFilters
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "trim", "tojson", "length", "count", "string", "list", "first", "last", "join", "replace", "default", "d", "upper", "lower", "capitalize",
        "title", "items", "int", "float", "abs", "reverse", "safe", "select", "reject", "selectattr", "rejectattr", "map", "indent",
        "sort", "dictsort", "unique", "min", "max", "sum",
    };

    // The arguments that filters take by name. Others are refused, because ignoring one could silently change the text.
    private static readonly HashSet<string> KnownArguments = new(StringComparer.Ordinal)
    {
        "chars", "indent", "separators", "sort_keys", "ensure_ascii", "d", "attribute", "old", "new", "count", "default_value", "boolean", "default", "test", "filter",
        "width", "first", "blank", "reverse", "case_sensitive", "by", "start",
    };

    private const int WidestIndent = 1_000;

    public static bool IsKnown(string name) => Known.Contains(name);

    public static object? Apply(string name, object? value, IReadOnlyList<object?> positional, IReadOnlyList<(string Name, object? Value)> named, int line)
    {
        foreach ((string argument, _) in named)
        {
            if (!KnownArguments.Contains(argument))
                throw ChatTemplateException.Missing($"line {line}: the argument '{argument}' of the filter '{name}' is not implemented");
        }
        switch (name)
        {
            case "trim": return Text().Trim(start: true, end: true, Argument(0, "chars") is TracedText chars ? chars.Text : null);
            case "tojson": return TemplateJson.Write(value, JsonLayout(), line);
            case "length" or "count": return value is TracedText s ? s.CodePoints : (long)TemplateValues.Items(value, line).Count;
            case "string": return TemplateValues.ToText(value, line);
            case "safe": return value;
            case "list": return new List<object?>(TemplateValues.Items(value, line));
            case "first": return TemplateValues.Items(value, line) is [var first, ..] ? first : new Undefined("first");
            case "last": return TemplateValues.Items(value, line) is [.., var last] ? last : new Undefined("last");
            case "join": return Join();
            case "replace": return Text().Replace(Required(0, "old").Text, Required(1, "new"), Argument(2, "count") is long most ? most : -1);
            case "default" or "d":
                bool whenFalse = Argument(1, "boolean") is { } flag && TemplateValues.IsTrue(flag);
                return value is Undefined || (whenFalse && !TemplateValues.IsTrue(value)) ? Argument(0, "default_value") ?? TracedText.Empty : value;
            case "upper" or "lower" or "capitalize": return TemplateMethods.ChangeCase(name, Text());
            case "title": return TemplateMethods.ChangeCase("words", Text());
            case "items": return TemplateMethods.Items(value, line);
            case "int": return value is TracedText t && long.TryParse(t.Text, CultureInfo.InvariantCulture, out long parsed) ? parsed : TemplateValues.Number(value) is { } whole ? (long)whole : Argument(0, "default") ?? 0L;
            case "float": return value is TracedText t2 && double.TryParse(t2.Text, CultureInfo.InvariantCulture, out double real) ? real : TemplateValues.Number(value) ?? Argument(0, "default") ?? 0.0;
            case "abs": return value is long n and > long.MinValue ? (object)Math.Abs(n) : Math.Abs(TemplateValues.Number(value) ?? throw Wrong("a number"));
            case "sum":
                IEnumerable<object?> terms = Path(0) is { } summed ? TemplateValues.Items(value, line).Select(x => TemplateMethods.At(x, summed, line)) : TemplateValues.Items(value, line);
                return terms.Aggregate((object?)Argument(1, "start") ?? 0L, object? (a, b) => TemplateInterpreter.Arithmetic("+", a, b, line));
            case "reverse": return new List<object?>(Enumerable.Reverse(TemplateValues.Items(value, line)));
            case "select" or "reject": return Where(x => x, name == "select", 0);
            case "selectattr" or "rejectattr":
                string attribute = Required(0, "attribute").Text;
                return Where(x => TemplateMethods.At(x, attribute, line), name == "selectattr", 1);
            case "map": return Map();
            case "sort":
                return TemplateOrder.Sort(TemplateValues.Items(value, line), Path(2), Flag(1, "case_sensitive"), Flag(0, "reverse"), line);
            case "dictsort":
                bool byValue = (Argument(1, "by") as TracedText)?.Text == "value";
                return TemplateOrder.Sort(TemplateMethods.Items(value, line), byValue ? "1" : "0", Flag(0, "case_sensitive"), Flag(2, "reverse"), line);
            case "unique": return TemplateOrder.Unique(TemplateValues.Items(value, line), Path(1), Flag(0, "case_sensitive"), line);
            case "min" or "max":
                return TemplateOrder.Sort(TemplateValues.Items(value, line), Path(1), Flag(0, "case_sensitive"), name == "max", line) is [var best, ..] ? best : new Undefined(name);
            case "indent": return Indent();
            default: throw ChatTemplateException.Missing($"line {line}: the filter '{name}' is not implemented");
        }

        TracedText Text() => TemplateValues.ToText(value, line);

        object? Argument(int index, string argument)
            => index < positional.Count ? positional[index] : named.FirstOrDefault(a => a.Name == argument).Value;

        TemplateJson.Layout JsonLayout()
        {
            // This is Hugging Face's own filter, which escapes only what JSON requires.
            int? indent = named.FirstOrDefault(a => a.Name == "indent").Value is long spaces ? Width(spaces) : Argument(1, "indent") is long second ? Width(second) : null;
            if (TemplateValues.IsTrue(Argument(0, "ensure_ascii")))
                throw ChatTemplateException.Missing($"line {line}: ensure_ascii of the filter 'tojson' is not implemented");
            return Argument(2, "separators") is List<object?> and [TracedText between, TracedText colon]
                ? new(indent, between.Text, colon.Text, Flag(3, "sort_keys"))
                : new(indent, indent is null ? ", " : ",", ": ", Flag(3, "sort_keys"));
        }

        bool Flag(int index, string argument) => TemplateValues.IsTrue(Argument(index, argument));

        string? Path(int index) => Argument(index, "attribute") switch
        {
            null => null,
            long at => at.ToString(CultureInfo.InvariantCulture),
            TracedText path => path.Text,
            _ => throw Wrong("a string 'attribute'"),
        };

        TracedText Required(int index, string argument) => Argument(index, argument) as TracedText ?? throw Wrong($"a string '{argument}'");

        ChatTemplateException Wrong(string expected) => new($"line {line}: the filter '{name}' needs {expected}");

        int Width(long width) => width is >= 0 and <= WidestIndent ? (int)width : throw Wrong($"an indent of 0 to {WidestIndent}");

        TracedText Join()
        {
            TracedText.Builder joined = new();
            TracedText separator = Argument(0, "d") as TracedText ?? TracedText.Empty;
            string? attribute = Path(1);
            foreach ((int i, object? item) in TemplateValues.Items(value, line).Index())
            {
                if (i > 0)
                    joined.Append(separator);
                joined.Append(TemplateValues.ToText(attribute is null ? item : TemplateMethods.At(item, attribute, line), line));
            }
            return joined.ToText();
        }

        List<object?> Where(Func<object?, object?> key, bool keep, int testAt)
        {
            string? test = (Argument(testAt, "test") as TracedText)?.Text;
            if (test is not null && !TemplateTests.IsKnown(test))
                throw ChatTemplateException.Missing($"line {line}: the test '{test}' is not implemented");
            object?[] rest = [.. positional.Skip(testAt + 1)];
            return [.. Given()
                .Where(x => (test is null ? TemplateValues.IsTrue(key(x)) : TemplateTests.Apply(test, key(x), rest, line)) == keep)];
        }

        // These filters take none and undefined values as empty, where the others refuse none.
        List<object?> Given() => TemplateValues.IsTrue(value) ? TemplateValues.Items(value, line) : [];

        List<object?> Map()
        {
            if (named.Any(a => a.Name == "attribute"))
            {
                string attribute = Path(int.MaxValue)!;
                (string Name, object? Value) fallback = named.FirstOrDefault(a => a.Name == "default");
                return [.. Given().Select(x => TemplateMethods.At(x, attribute, line) is var found && found is Undefined && fallback.Name is not null ? fallback.Value : found)];
            }
            string filter = Required(0, "filter").Text;
            if (!IsKnown(filter))
                throw ChatTemplateException.Missing($"line {line}: the filter '{filter}' is not implemented");
            object?[] rest = [.. positional.Skip(1)];
            return [.. Given().Select(x => Apply(filter, x, rest, named, line))];
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
