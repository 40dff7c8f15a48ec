using System.Globalization;

namespace Pipeline.Stages.Jinja;

/// <summary>The value of a name or key that does not exist.</summary>
internal sealed record Undefined(string Name);

/// <summary>The result of <c>namespace()</c>, the only value whose attributes a template may set.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Values { get; } = new(StringComparer.Ordinal);
}

/// <summary>
/// A dictionary that keeps the order of insertion. Keys are strings, numbers, booleans or none. They are equal if Python's are: 1, 1.0 and true are one key.
/// </summary>
internal sealed class TemplateDictionary
{
    private static readonly object None = new();

    private readonly List<object?> _keys = [];
    private readonly Dictionary<object, object?> _values = [];

    /// <summary>The keys as a template sees them: strings are <see cref="TracedText"/>.</summary>
    public IReadOnlyList<object?> Keys => _keys;

    public object? this[string key]
    {
        get => _values[key];
        set => Set(TracedText.Literal(key), value);
    }

    public object? this[object? key] => _values[Plain(key)!];

    /// <summary>Sets the value of a key.</summary>
    /// <returns>False if the key is of a kind that cannot be one.</returns>
    public bool Set(object? key, object? value)
    {
        if (Plain(key) is not { } plain)
            return false;
        if (!_values.ContainsKey(plain))
            _keys.Add(key);
        _values[plain] = value;
        return true;
    }

    public bool TryGet(string key, out object? value) => _values.TryGetValue(key, out value);

    public bool TryGet(object? key, out object? value)
    {
        value = null;
        return Plain(key) is { } plain && _values.TryGetValue(plain, out value);
    }

    private static object? Plain(object? key) => key switch
    {
        null => None,
        TracedText text => text.Text,
        _ => TemplateValues.Number(key),
    };
}

/// <summary>Something that can be called: a global function, a macro, or a method of a dictionary.</summary>
internal delegate object? TemplateFunction(IReadOnlyList<object?> positional, IReadOnlyList<(string Name, object? Value)> named);

/// <summary>
/// What Python understands by truth, equality, order and text, for the values of a template: null, bool, long, double, <see cref="TracedText"/>, lists
/// (<c>List&lt;object?&gt;</c>) and <see cref="TemplateDictionary"/>.
/// </summary>
internal static class TemplateValues
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool b => b,
        long n => n != 0,
        double d => d != 0,
        TracedText t => t.Length > 0,
        List<object?> list => list.Count > 0,
        TemplateDictionary dictionary => dictionary.Keys.Count > 0,
        _ => true,
    };

    /// <summary>How deep lists and dictionaries may be nested.</summary>
    public const int DeepestData = 100;

    /// <summary>The largest number of elements of a list that a template makes.</summary>
    public const int LongestList = 1_000_000;

    public static bool AreEqual(object? a, object? b) => AreEqual(a, b, 0);

    private static bool AreEqual(object? a, object? b, int depth) => (a, b) switch
    {
        _ when depth > DeepestData => throw new ChatTemplateException($"data nested deeper than {DeepestData}"),
        (null, null) => true,
        (Undefined, Undefined) => true,
        (TracedText x, TracedText y) => x.Text == y.Text,
        (List<object?> x, List<object?> y) => x is TemplateTuple == y is TemplateTuple && x.Count == y.Count && x.Zip(y).All(p => AreEqual(p.First, p.Second, depth + 1)),
        (TemplateDictionary x, TemplateDictionary y) => x.Keys.Count == y.Keys.Count
            && x.Keys.All(k => y.TryGet(k, out object? other) && AreEqual(x[k], other, depth + 1)),
        _ when Number(a) is { } x && Number(b) is { } y => x == y,
        _ => ReferenceEquals(a, b),
    };

    public static int Compare(object? a, object? b, int line) => (a, b) switch
    {
        (TracedText x, TracedText y) => string.CompareOrdinal(x.Text, y.Text),
        _ when Number(a) is { } x && Number(b) is { } y => x.CompareTo(y),
        _ => throw new ChatTemplateException($"line {line}: {Kind(a)} and {Kind(b)} have no order"),
    };

    public static bool Contains(object? container, object? item, int line) => container switch
    {
        TracedText text => item is TracedText part
            ? text.Text.Contains(part.Text, StringComparison.Ordinal)
            : throw new ChatTemplateException($"line {line}: 'in' on a string needs a string, found {Kind(item)}"),
        List<object?> list => list.Any(x => AreEqual(x, item)),
        TemplateDictionary dictionary => dictionary.TryGet(item, out _),
        Undefined => false,
        _ => throw new ChatTemplateException($"line {line}: 'in' does not work on {Kind(container)}"),
    };

    public static TracedText ToText(object? value, int line) => value switch
    {
        TracedText text => text,
        Undefined => TracedText.Empty,
        null => TracedText.Literal("None"),
        bool b => TracedText.Literal(b ? "True" : "False"),
        long n => TracedText.Literal(n.ToString(CultureInfo.InvariantCulture)),
        double d => TracedText.Literal(PythonText.Of(d)),
        List<object?> or TemplateDictionary => TemplateJson.OfTurn(PythonText.Of(value, line), value),
        _ => throw ChatTemplateException.Missing($"line {line}: writing {Kind(value)} as text is not implemented"),
    };

    /// <summary>The elements that a <c>for</c> loop goes over.</summary>
    public static List<object?> Items(object? value, int line) => value switch
    {
        List<object?> list => list,
        TemplateDictionary dictionary => [.. dictionary.Keys],
        TracedText { Length: > LongestList } => throw new ChatTemplateException($"line {line}: a walk over more than {LongestList} characters"),
        TracedText text => [.. Enumerable.Range(0, text.CodePoints).Select(i => text.SliceCodePoints(i, i + 1))],
        Undefined => [],
        _ => throw new ChatTemplateException($"line {line}: cannot walk over {Kind(value)}"),
    };

    public static long Integer(object? value, int line) => value switch
    {
        long n => n,
        bool b => b ? 1 : 0,
        _ => throw new ChatTemplateException($"line {line}: expected a whole number, found {Kind(value)}"),
    };

    public static double? Number(object? value) => value switch
    {
        long n => n,
        double d => d,
        bool b => b ? 1 : 0,
        _ => null,
    };

    public static string Kind(object? value) => value switch
    {
        null => "none",
        Undefined undefined => $"the undefined '{undefined.Name}'",
        bool => "a boolean",
        long or double => "a number",
        TracedText => "a string",
        List<object?> => "a list",
        TemplateDictionary => "a dictionary",
        _ => "a function or namespace",
    };
}
