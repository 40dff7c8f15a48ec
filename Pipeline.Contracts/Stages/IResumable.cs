using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink that goes on where a checkpoint left it tells the flow's source where to begin. It is made first; it looks at its checkpoint
/// when it is made. It may end before its input does.
/// </summary>
public interface IResumable : IEndsEarly
{
    StreamPosition ResumeAt { get; }
}
