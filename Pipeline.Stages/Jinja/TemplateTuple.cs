namespace Pipeline.Stages.Jinja;

/// <summary>What a dictionary's methods give to walk over; Python shows it by its name.</summary>
internal sealed class TemplateView(string name, IEnumerable<object?> items) : List<object?>(items)
{
    public string Name => name;
}

/// <summary>A list that Python shows as a tuple.</summary>
internal sealed class TemplateTuple(IEnumerable<object?> items) : List<object?>(items);
