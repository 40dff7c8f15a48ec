namespace Pipeline.Stages.Models;

/// <summary>
/// How a family's files hold the weights that the decoder computes with. Most lie under the name they are computed by; a fused one
/// holds the rows of several, one after the other (Phi-3's <c>qkv_proj</c>). Loading cuts them apart and export joins them.
/// </summary>
internal static class WeightLayout
{
    /// <summary>Every tensor of a model's files, in the order of the computation.</summary>
    public static IEnumerable<StoredWeight> Of(ModelConfig config)
        => WeightNames.All(config).GroupBy(weight => StoredName(config.Family, weight.Name), StringComparer.Ordinal).Select(Join);

    /// <summary>The name in the file of a weight that is computed with.</summary>
    public static string StoredName(ModelFamily family, string name)
    {
        string map = ShortName(name);
        FusedWeight? fused = family.Fused.FirstOrDefault(each => each.Parts.Contains(map));
        return fused is null ? name : name.Replace($".{map}.", $".{fused.Name}.", StringComparison.Ordinal);
    }

    /// <summary>Which projections a name stands for, computed or stored: a fused one for each of its parts.</summary>
    public static IReadOnlyList<string> Projections(ModelFamily family, string name)
        => family.Fused.FirstOrDefault(fused => fused.Name == name)?.Parts ?? [name];

    /// <summary>The map's own name in a weight's: <c>q_proj</c> in <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
    public static string ShortName(string weight) => weight.Split('.') is { Length: > 1 } parts ? parts[^2] : weight;

    private static StoredWeight Join(IGrouping<string, (string Name, long[] Shape)> parts)
    {
        List<StoredPart> rows = [];
        long first = 0;
        foreach ((string name, long[] shape) in parts)
        {
            rows.Add(new StoredPart(name, first, shape));
            first += shape[0];
        }

        return new StoredWeight(parts.Key, [first, .. rows[0].Shape.Skip(1)], rows);
    }
}
