using System.Collections.Concurrent;

namespace Pipeline.Host.Definitions;

/// <summary>Keeps the descriptions of options records, because reflection is slow. Thread-safe.</summary>
internal sealed class OptionTypes
{
    private readonly ConcurrentDictionary<Type, OptionType> _types = new();

    public OptionType Of(Type type) => _types.GetOrAdd(type, OptionType.Of);
}
