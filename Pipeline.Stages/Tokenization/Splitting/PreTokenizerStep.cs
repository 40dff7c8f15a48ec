namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>A step that splits pieces further and may change their text. It is immutable; the buffers of a worker come with the call.</summary>
internal abstract class PreTokenizerStep
{
    public abstract void Apply(SegmentText segment, SplitScratch scratch);
}

/// <summary>Buffers that one worker uses again from split to split.</summary>
internal sealed class SplitScratch
{
    public Patterns.MatchScratch Match;

    public List<(int Start, int End, bool IsMatch)> Runs { get; } = [];
}
