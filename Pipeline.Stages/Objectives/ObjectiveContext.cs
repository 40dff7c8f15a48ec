using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>What objectives may be made from besides their options; each asks for what it needs, and nothing else is looked for.</summary>
/// <param name="Shapes">Sizes of the models.</param>
/// <param name="TokenMap">Per student id the nearest teacher id, from a token map as the definition names it.</param>
/// <param name="Seed">Of the projectors' first values; those of one objective are kept apart from another's by what they add.</param>
/// <param name="Device">Where the projectors live.</param>
internal sealed record ObjectiveContext(Func<ModelShapes> Shapes, Func<string, int[]> TokenMap, long Seed, Device Device)
{
    /// <summary>For objectives that read nothing of a teacher's sizes and no token map.</summary>
    public static ObjectiveContext Alone(Device device)
        => new(
            static () => throw new InvalidOperationException("an objective needs the models' shapes, and they were not given"),
            static map => throw new InvalidOperationException($"an objective needs the token map {map}, and it was not given"),
            0,
            device);
}
