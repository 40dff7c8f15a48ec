using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Definitions;

/// <summary>The stages a definition may name, by name.</summary>
internal sealed class StageCatalog
{
    private readonly Dictionary<string, StageRegistration> _byName = new(StringComparer.Ordinal);

    public StageCatalog(IReadOnlyList<StageRegistration> stages)
    {
        foreach (StageRegistration stage in stages)
        {
            if (!_byName.TryAdd(stage.Name, stage))
                throw new InvalidOperationException($"two stages are registered as '{stage.Name}'");
        }
    }

    public IEnumerable<string> Names => _byName.Keys.Order(StringComparer.Ordinal);

    public StageRegistration this[string name] => _byName[name];

    public bool TryGet(string name, out StageRegistration registration) => _byName.TryGetValue(name, out registration!);
}
