using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>A step that changes the text of a segment before it is split. It is immutable; the buffers of a worker come with the call.</summary>
internal abstract class NormalizerStep
{
    public abstract void Apply(SegmentText segment, SplitScratch scratch);
}
