using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>The tests, which follow <c>is</c>.</summary>
internal static class TemplateTests
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "defined", "undefined", "none", "true", "false", "boolean", "string", "number", "integer", "float", "mapping", "iterable", "sequence",
        "equalto", "eq", "ne", "in", "odd", "even", "divisibleby", "lt", "gt", "le", "ge", "lessthan", "greaterthan", "callable",
        "lower", "upper",
    };

    public static bool IsKnown(string name) => Known.Contains(name);

    public static bool Apply(string name, object? value, IReadOnlyList<object?> arguments, int line) => name switch
    {
        "defined" => value is not Undefined,
        "undefined" => value is Undefined,
        "none" => value is null,
        "true" => value is true,
        "false" => value is false,
        "boolean" => value is bool,
        "string" => value is TracedText,
        "number" => value is long or double or bool,
        "integer" => value is long,
        "float" => value is double,
        "mapping" => value is TemplateDictionary,
        "iterable" => value is List<object?> or TemplateDictionary or TracedText or Undefined,
        "sequence" => value is List<object?> or TemplateDictionary or TracedText or Undefined,
        "callable" => value is TemplateFunction,
        "equalto" or "eq" => TemplateValues.AreEqual(value, Argument(arguments, name, line)),
        "ne" => !TemplateValues.AreEqual(value, Argument(arguments, name, line)),
        "in" => TemplateValues.Contains(Argument(arguments, name, line), value, line),
        "odd" => TemplateValues.Integer(value, line) % 2 != 0,
        "even" => TemplateValues.Integer(value, line) % 2 == 0,
        "divisibleby" => TemplateValues.Integer(Argument(arguments, name, line), line) switch
        {
            0 => throw new ChatTemplateException($"line {line}: nothing is divisible by 0"),
            1 or -1 => true,
            var divisor => TemplateValues.Integer(value, line) % divisor == 0,
        },
        "lower" => IsAll(TemplateValues.ToText(value, line).Text, PythonCase.IsLower, PythonCase.IsUpper),
        "upper" => IsAll(TemplateValues.ToText(value, line).Text, PythonCase.IsUpper, PythonCase.IsLower),
        "lt" or "lessthan" => TemplateValues.Compare(value, Argument(arguments, name, line), line) < 0,
        "gt" or "greaterthan" => TemplateValues.Compare(value, Argument(arguments, name, line), line) > 0,
        "le" => TemplateValues.Compare(value, Argument(arguments, name, line), line) <= 0,
        "ge" => TemplateValues.Compare(value, Argument(arguments, name, line), line) >= 0,
        _ => throw ChatTemplateException.Missing($"line {line}: the test '{name}' is not implemented"),
    };

    private static bool IsAll(string text, Func<Rune, bool> of, Func<Rune, bool> not)
        => text.EnumerateRunes().Any(of) && !text.EnumerateRunes().Any(r => not(r) || Rune.GetUnicodeCategory(r) == UnicodeCategory.TitlecaseLetter);

    private static object? Argument(IReadOnlyList<object?> arguments, string name, int line)
        => arguments.Count > 0 ? arguments[0] : throw new ChatTemplateException($"line {line}: the test '{name}' needs an argument");
}
