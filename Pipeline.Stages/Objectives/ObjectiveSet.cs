using Pipeline.Contracts.Errors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>The objectives of a run by its definition, in a fixed order.</summary>
public static class ObjectiveSet
{
    /// <param name="options">Which objectives, and how.</param>
    /// <param name="shapes">Sizes of the models; may be null when neither latents nor dskd is used.</param>
    /// <param name="minedMapping">The token map of 'mined'; may be null without it.</param>
    /// <param name="seed">Of the projectors' first values.</param>
    /// <param name="device">Where the projectors live.</param>
    public static IReadOnlyList<IObjective> Create(ObjectivesOptions options, ModelShapes? shapes, int[]? minedMapping, long seed, Device device)
    {
        var objectives = new List<IObjective>();
        if (options.Alm is { } alm)
            objectives.Add(new AlmObjective(alm));
        if (options.Sft is { } sft)
            objectives.Add(new SftObjective(sft));
        if (options.Latents is { } latents)
            objectives.Add(new LatentsObjective(latents, Require(shapes, "latents", "the models' shapes"), seed, device));
        if (options.Dskd is { } dskd)
            objectives.Add(new DskdObjective(dskd, Require(shapes, "dskd", "the models' shapes"), seed + 100, device));
        if (options.Uld is { } uld)
            objectives.Add(new UldObjective(uld));
        if (options.Mined is { } mined)
            objectives.Add(new MinedObjective(mined, Require(minedMapping, "mined", "the token map")));
        if (objectives.Count == 0)
            throw new DefinitionException("objectives: none is given; expected at least one of alm, sft, latents, dskd, uld, mined");
        return objectives;
    }

    private static T Require<T>(T? value, string objective, string name)
        where T : class
        => value ?? throw new InvalidOperationException($"objective '{objective}' needs {name}, and it was not given");
}
