namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink whose output is a fixed number of parts. Each part is computed by its own graph from its own range of the input, and is committed by itself.
/// What a part contains therefore never depends on which process computed it, or on which other parts were computed in the same run.
/// </summary>
public interface IPartitioned : ICommitted
{
    /// <summary>The number of parts, at least 1. It follows from the stage's options alone.</summary>
    int PartitionCount { get; }
}
