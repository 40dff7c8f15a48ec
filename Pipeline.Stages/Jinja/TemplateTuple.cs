namespace Pipeline.Stages.Jinja;

/// <summary>The result of a dictionary's methods items, keys and values. Python shows it with the method's name.</summary>
internal sealed class TemplateView(string name, IEnumerable<object?> items) : List<object?>(items)
{
    public string Name => name;
}

/// <summary>A list that Python shows as a tuple.</summary>
internal sealed class TemplateTuple(IEnumerable<object?> items) : List<object?>(items);
