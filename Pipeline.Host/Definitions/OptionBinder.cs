using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>
/// Fills options records from the tree of a definition. All errors are collected. A value that is wrong leaves its default in place, so that the rest is
/// checked too.
/// </summary>
/// <param name="types">Describes options records.</param>
/// <param name="errors">Collects the errors.</param>
/// <param name="bindStage">Makes a stage of an entry. Its options depend on the kind of stage, which is a name in a table.</param>
/// <param name="bindTeacher">Makes a teacher of an entry, given a description for messages and its key path. Its options depend on the backend.</param>
internal sealed class OptionBinder(
    OptionTypes types, DefinitionErrors errors, Func<SourceNode, string, StageDefinition?> bindStage, Func<SourceNode, string, string, TeacherDefinition?> bindTeacher)
{
    /// <summary>Fills a record from an object, and checks it.</summary>
    /// <param name="node">What was written.</param>
    /// <param name="type">The type of the record.</param>
    /// <param name="where">Where it is, for messages, such as "flow 'score', stage 'tokenize'".</param>
    /// <param name="path">The path of the object's key from there; empty if it is that thing itself.</param>
    /// <param name="reserved">Keys that the caller reads itself.</param>
    /// <param name="start">A record whose copy is filled. Null to begin with the defaults of the type.</param>
    /// <returns>The record; null if the node is not an object.</returns>
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

    // Messages name a flow by itself, and every other record by what it is in.
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
        // People write integers as 1e6 or 500.0 too.
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
        // Names may also be written as in code: appendLower is append-lower.
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

    // Rules name members as in code: Models[1].Name becomes models[1].name.
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

    // A default may be shared by all instances of a record, so a copy is changed.
    private static object Clone(object record)
        => record.GetType().GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance)?.Invoke(record, null)
            ?? throw new InvalidOperationException($"{record.GetType().Name} is not a record");
}
