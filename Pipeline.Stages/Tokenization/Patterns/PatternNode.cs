namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>A pattern after parsing. Character classes are sets of code points already, and options such as that to ignore case have been applied.</summary>
internal abstract record PatternNode
{
    /// <summary>One character of a set.</summary>
    public sealed record Class(CodePointSet Set) : PatternNode;

    public sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>Takes the first alternative that leads to a match.</summary>
    public sealed record Alternatives(IReadOnlyList<PatternNode> Items) : PatternNode;

    /// <summary>Repeats an item.</summary>
    /// <param name="Item">The item.</param>
    /// <param name="Min">The smallest number of repetitions.</param>
    /// <param name="Max">The largest number of repetitions, or null for no limit.</param>
    /// <param name="Mode">Which number is tried first, and whether repetitions can be given back.</param>
    public sealed record Repeat(PatternNode Item, int Min, int? Max, RepeatMode Mode) : PatternNode;

    /// <summary>Matches its item in one way, and never tries another.</summary>
    public sealed record Atomic(PatternNode Item) : PatternNode;

    /// <summary>Looks ahead or behind without taking anything.</summary>
    public sealed record Look(PatternNode Item, bool Ahead, bool Negative) : PatternNode;

    /// <summary>A place between two characters, which is described by the one before and the one after it.</summary>
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
