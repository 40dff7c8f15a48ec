namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink whose output is a fixed number of parts, each committed once and computed by a graph of its own from its own range of the input,
/// so that what a part holds never depends on which others were computed in the same run.
/// </summary>
public interface IPartitioned : ICommitted
{
    int PartitionCount { get; }
}
