using System.Collections.Concurrent;

namespace Pipeline.Host.Definitions;

/// <summary>Options records already looked at.</summary>
internal sealed class OptionTypes
{
    private readonly ConcurrentDictionary<Type, OptionType> _types = new();

    public OptionType Of(Type type) => _types.GetOrAdd(type, OptionType.Of);
}
