namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>One step that splits pieces further and may change their text. Immutable; scratch comes with the call.</summary>
internal abstract class PreTokenizerStep
{
    public abstract void Apply(SegmentText segment, SplitScratch scratch);
}

/// <summary>What one worker keeps between splits.</summary>
internal sealed class SplitScratch
{
    public Patterns.MatchScratch Match;

    public List<(int Start, int End, bool IsMatch)> Runs { get; } = [];
}
