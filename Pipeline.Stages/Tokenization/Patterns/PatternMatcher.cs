namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Finds where a pattern matches in well-formed text. Immutable and shared by all workers; what a search needs is in the cursor.
/// </summary>
internal abstract class PatternMatcher
{
    /// <summary>
    /// The first match at or after <paramref name="from"/>, or false. Start and length are in UTF-16 units; the length may be zero.
    /// </summary>
    public abstract bool Find(ReadOnlySpan<char> text, int from, ref MatchScratch scratch, out int start, out int length);

    /// <summary>Compiles a pattern: to an automaton where that says exactly the same, else to a regular expression over its symbols.</summary>
    /// <exception cref="PatternException">Not supported, or not well-formed.</exception>
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

/// <summary>What one worker keeps between searches of one text.</summary>
internal struct MatchScratch
{
    /// <summary>The text as symbols, for the matcher that needs it.</summary>
    public char[]? Symbols;

    /// <summary>Where each symbol begins in the text.</summary>
    public int[]? Places;

    /// <summary>How many symbols; negative until the text was mapped.</summary>
    public int Count;

    /// <summary>Steps left before a search is given up as endless.</summary>
    public long Budget;

    /// <summary>When the mapped text was begun, in milliseconds of the system's clock.</summary>
    public long Begun;

    /// <summary>Begins a new text.</summary>
    public void Reset(int length)
    {
        Count = -1;
        Budget = 100_000_000L + (2_000L * length);
    }
}
