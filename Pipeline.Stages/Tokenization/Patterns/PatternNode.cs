namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>A pattern, read. Every character class is already a set of code points; case and options are resolved.</summary>
internal abstract record PatternNode
{
    /// <summary>One character of a set.</summary>
    public sealed record Class(CodePointSet Set) : PatternNode;

    public sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>The first alternative that leads to a match is taken.</summary>
    public sealed record Alternatives(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <param name="Item">What is repeated.</param>
    /// <param name="Min">At least.</param>
    /// <param name="Max">At most; null means no limit.</param>
    /// <param name="Mode">Which count is tried first, and whether a count once taken is given back.</param>
    public sealed record Repeat(PatternNode Item, int Min, int? Max, RepeatMode Mode) : PatternNode;

    /// <summary>Matches its item once and never tries another way.</summary>
    public sealed record Atomic(PatternNode Item) : PatternNode;

    public sealed record Look(PatternNode Item, bool Ahead, bool Negative) : PatternNode;

    /// <summary>A place between characters, described by the character before it and the one after it.</summary>
    public sealed record Place(PlaceKind Kind) : PatternNode;

    public static PatternNode Nothing { get; } = new Sequence([]);
}

internal enum RepeatMode
{
    Greedy,
    Lazy,
    Possessive,
}

internal enum PlaceKind
{
    TextStart,
    TextEnd,
    TextEndOrLastNewLine,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
}
