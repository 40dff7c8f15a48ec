using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>Attributes and elements of values, and the methods of strings and dictionaries.</summary>
internal static class TemplateMethods
{
    public static object? Attribute(object? target, string name) => target switch
    {
        // A method hides a key of the same name.
        TemplateDictionary dictionary when name is "items" or "keys" or "values" or "get" => (TemplateFunction)((positional, _) => OfDictionary(dictionary, name, positional, 0)),
        TemplateDictionary dictionary => dictionary.TryGet(name, out object? value) ? value : new Undefined(name),
        TemplateNamespace space => space.Values.TryGetValue(name, out object? value) ? value : new Undefined(name),
        _ => new Undefined(name),
    };

    /// <summary>What the <c>attribute</c> of a filter names: attributes and indexes, with dots between them.</summary>
    public static object? At(object? target, string path, int line)
    {
        foreach (string part in path.Split('.'))
            target = long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long at) ? Index(target, at, line) : Attribute(target, part);
        return target;
    }

    public static object? Index(object? target, object? index, int line)
    {
        switch (target)
        {
            case TemplateDictionary dictionary:
                return dictionary.TryGet(index, out object? entry) ? entry : new Undefined(index is TracedText missing ? missing.Text : $"[{index}]");
            case TemplateNamespace when index is TracedText key:
                return Attribute(target, key.Text);
            case List<object?> list when index is long at:
                at = at < 0 ? at + list.Count : at;
                return at >= 0 && at < list.Count ? list[(int)at] : new Undefined($"[{index}]");
            case TracedText text when index is long at:
                at = at < 0 ? at + text.CodePoints : at;
                return at >= 0 && at < text.CodePoints ? text.SliceCodePoints((int)at, (int)at + 1) : new Undefined($"[{index}]");
            case Undefined undefined:
                throw new ChatTemplateException($"line {line}: '{undefined.Name}' is undefined and has no elements");
            default:
                return new Undefined(index is TracedText name ? name.Text : "element");
        }
    }

    public static object? Slice(object? target, long? start, long? stop, long? step, int line)
    {
        int length = target switch
        {
            List<object?> list => list.Count,
            TracedText text => text.CodePoints,
            _ => throw new ChatTemplateException($"line {line}: cannot slice {TemplateValues.Kind(target)}"),
        };
        long stride = step ?? 1;
        if (stride == -1 && start is null && stop is null)
            return target is List<object?> all ? new List<object?>(Enumerable.Reverse(all)) : throw ChatTemplateException.Missing($"line {line}: reversing a string is not implemented");
        if (stride != 1)
            throw ChatTemplateException.Missing($"line {line}: a slice with step {stride} is not implemented");
        int from = Bound(start ?? 0), to = Math.Max(from, Bound(stop ?? length));
        return target switch
        {
            TracedText whole => whole.SliceCodePoints(from, to),
            TemplateTuple tuple => new TemplateTuple(tuple.GetRange(from, to - from)),
            _ => ((List<object?>)target!).GetRange(from, to - from),
        };

        int Bound(long value) => (int)Math.Clamp(value < 0 ? value + length : value, 0, length);
    }

    public static object? Call(object? target, string name, IReadOnlyList<object?> arguments, int line)
        => target switch
        {
            TracedText text => OfText(text, name, arguments, line),
            TemplateDictionary dictionary => OfDictionary(dictionary, name, arguments, line),
            Undefined undefined => throw new ChatTemplateException($"line {line}: '{undefined.Name}' is undefined; it has no '{name}'"),
            _ => throw NoMethod(target, name, line),
        };

    public static List<object?> Items(object? value, int line) => value switch
    {
        TemplateDictionary dictionary => [.. dictionary.Keys.Select(k => new TemplateTuple([k, dictionary[k]]))],
        Undefined => [],
        _ => throw new ChatTemplateException($"line {line}: items needs a dictionary, found {TemplateValues.Kind(value)}"),
    };

    /// <summary>Changes the case of a text. If that changes a character, the result is not the conversation's own text any more, and has no origin.</summary>
    public static TracedText ChangeCase(string name, TracedText text)
    {
        string changed = name switch
        {
            "upper" => PythonCase.Upper(text.Text),
            "lower" => PythonCase.Lower(text.Text),
            "capitalize" => PythonCase.Capitalize(text.Text),
            "words" => TitleOfWords(text.Text),
            _ => PythonCase.Title(text.Text),
        };
        return changed == text.Text ? text : TracedText.Literal(changed);
    }

    /// <summary>The <c>title</c> of the filter, which changes each word as a whole. The method of strings knows only letters and others.</summary>
    private static string TitleOfWords(string text)
    {
        StringBuilder title = new();
        for (int start = 0, end; start < text.Length; start = end)
        {
            for (end = start + 1; end < text.Length && IsWordBreak(text[end]) == IsWordBreak(text[end - 1]);)
                end++;
            int first = char.IsSurrogatePair(text, start) ? 2 : 1;
            title.Append(PythonCase.Upper(text.Substring(start, first))).Append(PythonCase.Lower(text[(start + first)..end]));
        }
        return title.ToString();
    }

    private static bool IsWordBreak(char c) => TracedText.IsPythonSpace(c) || c is '-' or '(' or '{' or '[' or '<';

    private static object? OfText(TracedText text, string name, IReadOnlyList<object?> arguments, int line)
    {
        switch (name)
        {
            case "strip" or "lstrip" or "rstrip":
                return text.Trim(name != "rstrip", name != "lstrip", arguments is [TracedText characters, ..] ? characters.Text : null);
            case "split":
                return arguments is [TracedText { Length: > 0 } separator, ..]
                    ? text.Split(separator.Text, arguments.Count > 1 ? (int)TemplateValues.Integer(arguments[1], line) : -1)
                    : text.SplitAtWhiteSpace();
            case "startswith" or "endswith":
                return Options(arguments, name, line).Any(o => name == "startswith"
                    ? text.Text.StartsWith(o, StringComparison.Ordinal)
                    : text.Text.EndsWith(o, StringComparison.Ordinal));
            case "upper" or "lower" or "capitalize" or "title": return ChangeCase(name, text);
            case "replace" when arguments is [TracedText old, TracedText replacement]: return text.Replace(old.Text, replacement, -1);
            case "replace" when arguments is [TracedText old, TracedText replacement, long most]: return text.Replace(old.Text, replacement, most);
            case "find" when arguments is [TracedText part]: return text.CodePointAt(text.Text.IndexOf(part.Text, StringComparison.Ordinal));
            case "rfind" when arguments is [TracedText part]: return text.CodePointAt(text.Text.LastIndexOf(part.Text, StringComparison.Ordinal));
            case "count" when arguments is [TracedText { Length: > 0 } part]: return (long)text.Text.AsSpan().Count(part.Text);
            case "removeprefix" when arguments is [TracedText part]:
                return text.Text.StartsWith(part.Text, StringComparison.Ordinal) ? text.Slice(part.Length, text.Length - part.Length) : text;
            case "removesuffix" when arguments is [TracedText part]:
                return text.Text.EndsWith(part.Text, StringComparison.Ordinal) ? text.Slice(0, text.Length - part.Length) : text;
            case "rsplit" when arguments is [TracedText { Length: > 0 } mark, long most]: return text.SplitFromEnd(mark.Text, (int)most);
            case "rsplit" when arguments is [TracedText { Length: > 0 } mark]: return text.Split(mark.Text, -1);
            case "join" when arguments is [List<object?>]: return TemplateFilters.Apply("join", arguments[0], [text], [], line);
            default: throw NoMethod(text, name, line);
        }
    }

    private static object? OfDictionary(TemplateDictionary dictionary, string name, IReadOnlyList<object?> arguments, int line) => name switch
    {
        "items" => new TemplateView(name, Items(dictionary, line)),
        "keys" => new TemplateView(name, dictionary.Keys),
        "values" => new TemplateView(name, dictionary.Keys.Select(k => dictionary[k])),
        "get" when arguments is [var key, ..] => dictionary.TryGet(key, out object? value) ? value : arguments.Count > 1 ? arguments[1] : null,
        _ => throw NoMethod(dictionary, name, line),
    };

    private static IEnumerable<string> Options(IReadOnlyList<object?> arguments, string name, int line) => arguments switch
    {
        [TracedText one] => [one.Text],
        [List<object?> several] => several.OfType<TracedText>().Select(t => t.Text),
        _ => throw new ChatTemplateException($"line {line}: '{name}' needs a string"),
    };

    private static ChatTemplateException NoMethod(object? target, string name, int line)
        => ChatTemplateException.Missing($"line {line}: the method '{name}' of {TemplateValues.Kind(target)} is not implemented");
}
