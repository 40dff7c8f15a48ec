using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink that continues from a checkpoint and tells the source of its flow where to begin. The host makes it before the other stages, and its
/// constructor reads the checkpoint. It may end before its input does. When the user asks for a stop, it gets all the time that it needs to reach a
/// safe point; other sinks get a limited time.
/// </summary>
public interface IResumable : IEndsEarly
{
    /// <summary>
    /// Where the input continues; the default value is the beginning. The other stages of the flow receive it as <see cref="StageContext.Resume"/>.
    /// </summary>
    StreamPosition ResumeAt { get; }
}
