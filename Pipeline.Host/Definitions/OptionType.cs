using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

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

/// <summary>What a value may be. <paramref name="Element"/> is a list's; <paramref name="Type"/> is without Nullable.</summary>
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

/// <summary>An options record, as the loader, the schema and the comparison see it.</summary>
internal sealed class OptionType
{
    private OptionType(Type type, IReadOnlyList<OptionProperty> properties)
    {
        Type = type;
        Properties = properties;
    }

    public Type Type { get; }

    /// <summary>In the order of declaration.</summary>
    public IReadOnlyList<OptionProperty> Properties { get; }

    /// <exception cref="InvalidOperationException">The record has a property of a type that definitions do not know: a defect of the stage.</exception>
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

    public static string KeyOf(string propertyName) => JsonNamingPolicy.CamelCase.ConvertName(propertyName);

    public static string EnumName(object value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()!);

    /// <summary>A record with every default; <c>required</c> binds compilers, not reflection.</summary>
    public object CreateDefault() => Activator.CreateInstance(Type)!;

    // A record that another derives from has its keys first.
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
