namespace Pipeline.Stages.Models;

/// <summary>Finds the weights and projections that a definition names for training, by the decoder's name or by the one in the file.</summary>
internal static class TrainedNames
{
    /// <summary>Whether a pattern (see <see cref="NamePattern"/>) matches a weight, by either of its names.</summary>
    public static bool IsNamed(ModelFamily family, string pattern, string name) => NamePattern.Matches(pattern, name) || NamePattern.Matches(pattern, WeightLayout.StoredName(family, name));

    /// <summary>What is wrong with a pattern, for an error message. Null if it matches at least one of the weights.</summary>
    public static string? FaultOfPattern(ModelFamily family, string pattern, IReadOnlyList<string> names) => names.Any(name => IsNamed(family, pattern, name)) ? null
        : $"pattern '{pattern}' matches no weight; names are like {WeightNames.Embedding} and {names[Math.Min(1, names.Count - 1)]}";

    /// <summary>What is wrong with the name of a projection that is to get an adapter, for an error message. Null if the layers have this projection.</summary>
    public static string? FaultOfTarget(ModelConfig config, string target)
    {
        string[] known = Projections(config);
        return WeightLayout.Projections(config.Family, target).FirstOrDefault(t => !known.Contains(t)) is { } wrong
            ? $"adapter target '{wrong}' is not a projection; they are {string.Join(", ", known.Concat(config.Family.Fused.Select(fused => fused.Name)))}"
            : null;
    }

    private static string[] Projections(ModelConfig config)
        => [.. WeightNames.All(config).Where(w => w.Shape.Length == 2 && w.Name.StartsWith(WeightNames.Layer(0), StringComparison.Ordinal)).Select(w => WeightLayout.ShortName(w.Name))];
}
