namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Finds where a pattern matches in well-formed text. It is immutable and shared by all workers. Each worker brings its own <see cref="MatchScratch"/>.
/// </summary>
internal abstract class PatternMatcher
{
    /// <summary>
    /// Finds the first match at or after <paramref name="from"/>. Places and lengths are in UTF-16 units, and the length may be zero. False if there is none.
    /// </summary>
    public abstract bool Find(ReadOnlySpan<char> text, int from, ref MatchScratch scratch, out int start, out int length);

    /// <summary>
    /// Compiles a pattern: to an automaton if one can match exactly the same, or else to a .NET regular expression over the pattern's symbols.
    /// </summary>
    /// <exception cref="PatternException">The pattern is not supported.</exception>
    public static PatternMatcher Compile(PatternNode pattern)
    {
        var classes = new List<CodePointSet> { CharacterSets.NewLine };
        PatternClasses.Collect(pattern, classes);
        SymbolTable symbols = SymbolTable.Build(classes);
        return PatternAutomaton.TryBuild(pattern, symbols) ?? (PatternMatcher)new PatternRegex(pattern, symbols);
    }

    public static PatternMatcher Compile(string pattern) => Compile(PatternParser.Parse(pattern));

    public static PatternMatcher OfSet(CodePointSet set) => Compile(new PatternNode.Class(set));
}

/// <summary>What one worker keeps while it searches one text, again and again.</summary>
internal struct MatchScratch
{
    /// <summary>The text as symbols, if the matcher needs it so.</summary>
    public char[]? Symbols;

    /// <summary>The place in the text where each symbol begins, and the text's end.</summary>
    public int[]? Places;

    /// <summary>The number of symbols, or a negative number before the text was mapped.</summary>
    public int Count;

    /// <summary>The number of characters that may still be read before a search counts as endless.</summary>
    public long Budget;

    /// <summary>When the text was mapped, in milliseconds of the system's clock.</summary>
    public long Begun;

    /// <summary>Begins a new text, which has this many UTF-16 units.</summary>
    public void Reset(int length)
    {
        Count = -1;
        Budget = 100_000_000L + (2_000L * length);
    }
}
