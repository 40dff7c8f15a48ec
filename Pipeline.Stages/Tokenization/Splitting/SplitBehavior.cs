namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>What becomes of the matches (the delimiters) of a split.</summary>
internal enum SplitBehavior
{
    /// <summary>They are dropped.</summary>
    Removed,

    /// <summary>Each is a piece of its own.</summary>
    Isolated,

    /// <summary>Each is joined to the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>Each is joined to the piece after it.</summary>
    MergedWithNext,

    /// <summary>Delimiters that follow each other directly are one piece together.</summary>
    Contiguous,
}
