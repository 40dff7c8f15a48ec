namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>What becomes of the delimiters that a split finds.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}
