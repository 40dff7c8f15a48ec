using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>
/// Fills options records from a tree. Every error is collected; a value that is wrong leaves its default, so that the rest is checked too.
/// </summary>
/// <param name="types">Options records.</param>
/// <param name="errors">Where errors go.</param>
/// <param name="bindStage">Makes a stage of an entry: the kinds of stages are a table, not a type.</param>
/// <param name="bindTeacher">Makes a teacher of an entry, given what it is and its key path: backends are a table too.</param>
internal sealed class OptionBinder(
    OptionTypes types, DefinitionErrors errors, Func<SourceNode, string, StageDefinition?> bindStage, Func<SourceNode, string, string, TeacherDefinition?> bindTeacher)
{
    /// <param name="node">What was written.</param>
    /// <param name="type">The record.</param>
    /// <param name="where">What it is, for messages: "flow 'score', stage 'tokenize'".</param>
    /// <param name="path">Key path inside of it; empty at its root.</param>
    /// <param name="reserved">Keys that the caller reads itself.</param>
    /// <param name="start">A record to change a copy of; the type's defaults when null.</param>
    public object? BindRecord(SourceNode node, Type type, string where, string path = "", IReadOnlyList<string>? reserved = null, object? start = null)
    {
        if (node.Kind != SourceKind.Object)
        {
            Wrong(node, where, path, "an object");
            return null;
        }
        OptionType options = types.Of(type);
        object record = start is null ? options.CreateDefault() : Clone(start);
        int errorsBefore = errors.Count;
        foreach (SourceMember member in node.Members)
        {
            if (reserved?.Contains(member.Name) == true)
                continue;
            OptionProperty? property = options.Properties.FirstOrDefault(p => p.Key == member.Name);
            if (property is null)
            {
                errors.Add(member.Position, $"{where}: unknown key '{Join(path, member.Name)}'"
                    + Suggestion.For(member.Name, options.Properties.Select(p => p.Key).Concat(reserved ?? [])));
                continue;
            }
            object? existing = property.Value.Kind == OptionKind.Record ? property.Property.GetValue(record) : null;
            if (TryBind(member.Value, property.Value, where, Join(path, property.Key), existing, out object? value)
                && Check(property, value, member.Value, where, Join(path, property.Key)))
            {
                property.Property.SetValue(record, value);
            }
        }
        foreach (OptionProperty property in options.Properties.Where(p => p.Required && node[p.Key] is null))
            errors.Add(node.Position, $"{where}: key '{Join(path, property.Key)}' is missing{(property.Description is null ? "" : $" ({property.Description.TrimEnd('.')})")}");
        if (errors.Count == errorsBefore && record is IValidatableObject validatable)
            CheckWhole(validatable, node, where);
        return record;
    }

    public static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private bool TryBind(SourceNode node, OptionValue expected, string where, string path, object? existing, out object? value)
    {
        value = null;
        if (node.Kind == SourceKind.Null)
            return expected.Nullable || Wrong(node, where, path, Expectation(expected));
        switch (expected.Kind)
        {
            case OptionKind.Boolean when node.Kind == SourceKind.Boolean:
                value = node.Text == "true";
                return true;
            case OptionKind.Integer when node.Kind == SourceKind.Number:
                return TryInteger(node, expected.Type, out value) || Wrong(node, where, path, Expectation(expected));
            case OptionKind.Number when node.Kind == SourceKind.Number:
                double number = double.Parse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture);
                value = number;
                return double.IsFinite(number) || Wrong(node, where, path, "a finite number");
            case OptionKind.String when node.Kind == SourceKind.String:
                value = node.Text;
                return true;
            case OptionKind.String when node.SetText is not null && node.Kind is SourceKind.Number or SourceKind.Boolean:
                value = node.SetText;
                return true;
            case OptionKind.Enum when node.Kind == SourceKind.String:
                return TryEnum(node, expected.Type, where, path, out value);
            case OptionKind.List when node.Kind == SourceKind.Array:
                return TryList(node, expected.Element!, where, path, out value);
            case OptionKind.Record when node.Kind == SourceKind.Object:
                int before = errors.Count;
                value = BindRecord(node, expected.Type, RecordName(expected.Type, node, where), RecordPath(expected.Type, path), null, existing);
                return errors.Count == before;
            case OptionKind.Stage:
                value = bindStage(node, where);
                return value is not null;
            case OptionKind.Teacher when node.Kind == SourceKind.Object:
                int errorsBefore = errors.Count;
                value = bindTeacher(node, where, path);
                return errors.Count == errorsBefore;
            default:
                return Wrong(node, where, path, Expectation(expected));
        }
    }

    // A flow is a thing of its own in messages; every other record is a part of what it stands in.
    private static string RecordName(Type type, SourceNode node, string where)
        => type == typeof(FlowDefinition) ? $"flow '{node["name"]?.Text ?? "?"}'" : where;

    private static string RecordPath(Type type, string path) => type == typeof(FlowDefinition) ? "" : path;

    private bool TryList(SourceNode node, OptionValue element, string where, string path, out object? value)
    {
        var items = Array.CreateInstance(element.Type, node.Items.Count);
        bool good = true;
        for (int i = 0; i < node.Items.Count; i++)
        {
            string itemPath = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            if (TryBind(node.Items[i], element, where, itemPath, null, out object? item))
                items.SetValue(item, i);
            else
                good = false;
        }
        value = items;
        return good;
    }

    private static bool TryInteger(SourceNode node, Type type, out object? value)
    {
        // 1e6 and 500.0 are integers to a person.
        bool whole = decimal.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal exact) && exact == decimal.Truncate(exact);
        if (type == typeof(int))
        {
            value = whole && exact is >= int.MinValue and <= int.MaxValue ? (int)exact : 0;
            return whole && exact is >= int.MinValue and <= int.MaxValue;
        }
        value = whole && exact is >= long.MinValue and <= long.MaxValue ? (long)exact : 0L;
        return whole && exact is >= long.MinValue and <= long.MaxValue;
    }

    private bool TryEnum(SourceNode node, Type type, string where, string path, out object? value)
    {
        // Written as in code too: appendLower is append-lower.
        value = Enum.GetValues(type).Cast<object>().FirstOrDefault(v => OptionType.EnumName(v) == node.Text || OptionType.KeyOf(v.ToString()!) == node.Text);
        if (value is not null)
            return true;
        errors.Add(node.Position, $"{where}: '{path}': found {node.Describe()}"
            + Suggestion.For(node.Text, Enum.GetValues(type).Cast<object>().Select(OptionType.EnumName)));
        return false;
    }

    private bool Check(OptionProperty property, object? value, SourceNode node, string where, string path)
    {
        if (value is null)
            return true;
        if (property.Range is not null)
        {
            OptionRange range = OptionRange.Of(property.Range);
            bool single = value is not Array;
            Array values = single ? new[] { value } : (Array)value;
            for (int i = 0; i < values.Length; i++)
            {
                if (!range.Contains(Convert.ToDouble(values.GetValue(i), CultureInfo.InvariantCulture)))
                    return Wrong(single ? node : node.Items[i], where, single ? path : $"{path}[{i}]", range.ToString());
            }
        }
        foreach (ValidationAttribute other in property.Others)
        {
            if (!other.IsValid(value))
                return Wrong(node, where, path, other.FormatErrorMessage($"'{property.Key}'"));
        }
        return true;
    }

    private void CheckWhole(IValidatableObject record, SourceNode node, string where)
    {
        foreach (ValidationResult result in record.Validate(new WrittenKeys(path => node.Find(path) is not null).ContextOf(record)))
            errors.AddRule(node.Nearest(KeyPath(result.MemberNames.FirstOrDefault() ?? "")).Position, $"{where}: {result.ErrorMessage}");
    }

    // Members are named as in code: Models[1].Name is models[1].name.
    private static string KeyPath(string members) => string.Join('.', members.Split('.').Select(OptionType.KeyOf));

    private bool Wrong(SourceNode node, string where, string path, string expected)
    {
        string what = path.Length == 0 ? where : $"{where}: '{path}'";
        errors.Add(node.Position, $"{what}: found {node.Describe()}, expected {expected}");
        return false;
    }

    private static string Expectation(OptionValue value) => (value.Kind switch
    {
        OptionKind.Boolean => "true or false",
        OptionKind.Integer when value.Type == typeof(int) => "a whole number of at most 2147483647",
        OptionKind.Integer => "a whole number",
        OptionKind.Number => "a number",
        OptionKind.String => "a string",
        OptionKind.Enum => string.Join(" or ", Enum.GetValues(value.Type).Cast<object>().Select(v => $"\"{OptionType.EnumName(v)}\"")),
        OptionKind.List => $"a list (each item {Expectation(value.Element!)})",
        OptionKind.Stage => "a stage: { \"stage\": \"…\" }",
        _ => "an object",
    }) + (value.Nullable ? ", or null" : "");

    // A default may be shared by all instances of a record: change a copy.
    private static object Clone(object record)
        => record.GetType().GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance)?.Invoke(record, null)
            ?? throw new InvalidOperationException($"{record.GetType().Name} is not a record");
}
