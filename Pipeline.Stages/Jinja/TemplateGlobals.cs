namespace Pipeline.Stages.Jinja;

/// <summary>The functions that every template can call.</summary>
internal static class TemplateGlobals
{
    public const int LongestRange = 100_000;

    public static IReadOnlyDictionary<string, object?> All { get; } = new Dictionary<string, object?>(StringComparer.Ordinal)
    {
        ["raise_exception"] = (TemplateFunction)((positional, _) =>
            throw new ChatTemplateException(positional is [TracedText message, ..] ? message.Text : "the template refuses the conversation", isRefusal: true)),
        ["namespace"] = (TemplateFunction)((_, named) =>
        {
            TemplateNamespace space = new();
            foreach ((string name, object? value) in named)
                space.Values[name] = value;
            return space;
        }),
        ["dict"] = (TemplateFunction)((_, named) =>
        {
            TemplateDictionary dictionary = new();
            foreach ((string name, object? value) in named)
                dictionary[name] = value;
            return dictionary;
        }),
        ["range"] = (TemplateFunction)((positional, _) => Range(positional)),
    };

    private static List<object?> Range(IReadOnlyList<object?> arguments)
    {
        long[] values = [.. arguments.Select(a => TemplateValues.Integer(a, 0))];
        (long start, long stop, long step) = values.Length switch { 1 => (0, values[0], 1), 2 => (values[0], values[1], 1), 3 => (values[0], values[1], values[2]), _ => (0L, 0L, 1L) };
        List<object?> range = [];
        for (long i = start; step > 0 ? i < stop : step < 0 && i > stop; i += step)
        {
            range.Add(i);
            if (range.Count > LongestRange)
                throw new ChatTemplateException($"a range of more than {LongestRange} numbers");
            // The next number would not fit into 64 bits.
            if (step > 0 ? i > long.MaxValue - step : i < long.MinValue - step)
                break;
        }
        return range;
    }
}
