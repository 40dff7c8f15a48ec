using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink that continues from a checkpoint and tells the flow's source where to begin. It is made first, and reads its checkpoint
/// when it is made. It may end before its input does.
/// </summary>
public interface IResumable : IEndsEarly
{
    StreamPosition ResumeAt { get; }
}
