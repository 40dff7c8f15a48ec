using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>One step that changes the text of a segment before it is split. Immutable; scratch comes with the call.</summary>
internal abstract class NormalizerStep
{
    public abstract void Apply(SegmentText segment, SplitScratch scratch);
}
