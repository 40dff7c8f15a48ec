namespace Pipeline.Stages.Models;

/// <summary>
/// How a family's files store the decoder's weights. Most have the same name in both. A fused tensor holds the rows of several weights, one after the
/// other (<c>qkv_proj</c> in Phi 3). Loading takes it apart, and an export joins the weights again.
/// </summary>
internal static class WeightLayout
{
    /// <summary>All tensors of a model's files, in the order of <see cref="WeightNames.All"/>.</summary>
    public static IEnumerable<StoredWeight> Of(ModelConfig config)
        => WeightNames.All(config).GroupBy(weight => StoredName(config.Family, weight.Name), StringComparer.Ordinal).Select(Join);

    /// <summary>The name of the tensor in the file that holds a weight.</summary>
    public static string StoredName(ModelFamily family, string name)
    {
        string map = ShortName(name);
        FusedWeight? fused = family.Fused.FirstOrDefault(each => each.Parts.Contains(map));
        return fused is null ? name : name.Replace($".{map}.", $".{fused.Name}.", StringComparison.Ordinal);
    }

    /// <summary>The projections that a short name stands for: all parts of a fused tensor, or the projection of this name.</summary>
    public static IReadOnlyList<string> Projections(ModelFamily family, string name)
        => family.Fused.FirstOrDefault(fused => fused.Name == name)?.Parts ?? [name];

    /// <summary>The short name of a weight's projection: <c>q_proj</c> in <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
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
