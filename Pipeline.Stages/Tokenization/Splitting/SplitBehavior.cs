namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>What becomes of the matches (the delimiters) of a split.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}
