using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>The kinds of values in a definition.</summary>
internal enum OptionKind
{
    Boolean,
    Integer,
    Number,
    String,
    Enum,
    List,
    Record,
    Stage,
    Teacher,
}

/// <summary>What a value may be.</summary>
/// <param name="Kind">The kind of value.</param>
/// <param name="Type">The type of the property, without Nullable.</param>
/// <param name="Nullable">Whether null is allowed.</param>
/// <param name="Element">For a list, what its items may be; otherwise null.</param>
internal sealed record OptionValue(OptionKind Kind, Type Type, bool Nullable, OptionValue? Element);

/// <summary>A key that a definition may set.</summary>
internal sealed record OptionProperty(PropertyInfo Property, string Key, OptionValue Value)
{
    public bool Required { get; } = Property.IsDefined(typeof(RequiredMemberAttribute));

    public bool Extends { get; } = Property.IsDefined(typeof(ExtendsAttribute));

    public bool Quiet { get; } = Property.IsDefined(typeof(QuietAttribute));

    public bool Tunable { get; } = Property.IsDefined(typeof(TunableAttribute));

    public string? Description { get; } = Property.GetCustomAttribute<DescriptionAttribute>()?.Description;

    public RangeAttribute? Range { get; } = Property.GetCustomAttribute<RangeAttribute>();

    public IReadOnlyList<ValidationAttribute> Others { get; } =
        Property.GetCustomAttributes<ValidationAttribute>().Where(a => a is not RangeAttribute).ToList();
}

/// <summary>Describes an options record: its keys, with what each may be. The loader, the schema, the comparison and the reference are built on it.</summary>
internal sealed class OptionType
{
    private OptionType(Type type, IReadOnlyList<OptionProperty> properties)
    {
        Type = type;
        Properties = properties;
    }

    public Type Type { get; }

    /// <summary>The keys, in the order of declaration.</summary>
    public IReadOnlyList<OptionProperty> Properties { get; }

    /// <summary>Describes a type by reflection. <see cref="OptionTypes"/> keeps the result.</summary>
    /// <exception cref="InvalidOperationException">The type cannot be used in definitions, which is a defect of the stage.</exception>
    public static OptionType Of(Type type)
    {
        if (type.GetConstructor(Type.EmptyTypes) is null)
            throw new InvalidOperationException($"{type.Name} has no constructor without parameters: a definition cannot leave a key out");
        var nullability = new NullabilityInfoContext();
        List<OptionProperty> properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod is { IsPublic: true })
            .OrderBy(p => Depth(p.DeclaringType!)).ThenBy(p => p.MetadataToken)
            .Select(p => new OptionProperty(p, KeyOf(p.Name), ValueOf(p, p.PropertyType, nullability.Create(p).ReadState == NullabilityState.Nullable)))
            .ToList();
        return new OptionType(type, properties);
    }

    /// <summary>The key of a property in definitions: its name in camel case.</summary>
    public static string KeyOf(string propertyName) => JsonNamingPolicy.CamelCase.ConvertName(propertyName);

    /// <summary>The name of an enum's value in definitions: lower case, with hyphens.</summary>
    public static string EnumName(object value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()!);

    /// <summary>A record with all defaults. Required properties are not set: reflection is not bound by <c>required</c>.</summary>
    public object CreateDefault() => Activator.CreateInstance(Type)!;

    // The keys of a base record come before those of a derived one.
    private static int Depth(Type type) => type.BaseType is { } parent ? Depth(parent) + 1 : 0;

    private static OptionValue ValueOf(PropertyInfo property, Type type, bool nullable)
    {
        Type bare = Nullable.GetUnderlyingType(type) ?? type;
        OptionValue Value(OptionKind kind, OptionValue? element = null) => new(kind, bare, nullable, element);
        if (bare == typeof(bool))
            return Value(OptionKind.Boolean);
        if (bare == typeof(int) || bare == typeof(long))
            return Value(OptionKind.Integer);
        if (bare == typeof(double))
            return Value(OptionKind.Number);
        if (bare == typeof(string))
            return Value(OptionKind.String);
        if (bare.IsEnum)
            return Value(OptionKind.Enum);
        if (bare == typeof(StageDefinition))
            return Value(OptionKind.Stage);
        if (bare == typeof(TeacherDefinition))
            return Value(OptionKind.Teacher);
        Type? element = bare.IsArray ? bare.GetElementType()
            : bare.IsGenericType && bare.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? bare.GetGenericArguments()[0]
            : null;
        if (element is not null)
            return Value(OptionKind.List, ValueOf(property, element, false));
        if (bare.IsClass && bare.Namespace?.StartsWith("System", StringComparison.Ordinal) != true)
            return Value(OptionKind.Record);
        throw new InvalidOperationException($"{property.DeclaringType?.Name}.{property.Name}: {type.Name} is not supported in definitions");
    }
}
