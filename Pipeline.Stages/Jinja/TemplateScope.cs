namespace Pipeline.Stages.Jinja;

/// <summary>The variables of a body. Names that it does not have are looked up in the body around it.</summary>
internal sealed class TemplateScope(TemplateScope? outer)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public object? Get(string name)
    {
        for (TemplateScope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._values.TryGetValue(name, out object? value))
                return value;
        }
        return new Undefined(name);
    }

    public void Set(string name, object? value) => _values[name] = value;

    private TemplateScope? Outer { get; } = outer;
}
