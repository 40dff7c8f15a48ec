namespace Pipeline.Stages.Jinja;

/// <summary>The filters that sort or compare values. They ignore the case of text unless told otherwise.</summary>
internal static class TemplateOrder
{
    /// <summary>Sorts stably. In reverse, too, equal values keep their order.</summary>
    public static List<object?> Sort(List<object?> items, string? attribute, bool caseSensitive, bool reverse, int line)
    {
        Comparer<object?> order = Comparer<object?>.Create((a, b) => TemplateValues.Compare(a, b, line));
        try
        {
            return reverse ? [.. items.OrderByDescending(Key, order)] : [.. items.OrderBy(Key, order)];
        }
        catch (InvalidOperationException e) when (e.InnerException is ChatTemplateException refused)
        {
            // The framework's sort wraps what a comparison throws.
            throw new ChatTemplateException(refused.Message);
        }

        object? Key(object? item) => KeyOf(item, attribute, caseSensitive, line);
    }

    public static List<object?> Unique(List<object?> items, string? attribute, bool caseSensitive, int line)
    {
        List<object?> unique = [];
        TemplateDictionary seen = new();
        foreach (object? item in items)
        {
            object? key = KeyOf(item, attribute, caseSensitive, line);
            if (seen.TryGet(key, out _))
                continue;
            if (!seen.Set(key, null))
                throw new ChatTemplateException($"line {line}: the filter 'unique' cannot tell values of this kind apart; expected text, numbers or none");
            unique.Add(item);
        }
        return unique;
    }

    private static object? KeyOf(object? item, string? attribute, bool caseSensitive, int line)
    {
        object? key = attribute is null ? item : TemplateMethods.At(item, attribute, line);
        return key is TracedText text && !caseSensitive ? TemplateMethods.ChangeCase("lower", text) : key;
    }
}
