using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>What objectives are made from besides their options. Each calls for what it needs, and nothing else is looked up.</summary>
/// <param name="Shapes">The sizes of the models.</param>
/// <param name="TokenMap">Reads the token map that a definition names: by student id, the id of the nearest teacher token.</param>
/// <param name="Seed">The seed of the projectors' first values. Each objective adds a number of its own.</param>
/// <param name="Device">The device that the projectors are on.</param>
internal sealed record ObjectiveContext(Func<ModelShapes> Shapes, Func<string, int[]> TokenMap, long Seed, Device Device)
{
    /// <summary>A context for objectives that need neither the teacher's sizes nor a token map. Others throw when they are made.</summary>
    public static ObjectiveContext Alone(Device device)
        => new(
            static () => throw new InvalidOperationException("an objective needs the models' shapes, and they were not given"),
            static map => throw new InvalidOperationException($"an objective needs the token map {map}, and it was not given"),
            0,
            device);
}
