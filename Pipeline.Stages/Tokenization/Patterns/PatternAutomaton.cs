namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// A deterministic automaton over symbols with the preferences of a backtracking engine: one table look-up per character, no
/// backtracking, no allocation. A state is an ordered list of places in the program; the symbol ahead resolves the look-aheads.
/// </summary>
internal sealed class PatternAutomaton : PatternMatcher
{
    private const int MaxStates = 4_000;
    private const int MaxWork = 20_000_000;
    private const int Accept = 1 << 30;
    private const int StateMask = Accept - 1;
    private const int Dead = 0;
    private const int Start = 1;

    private readonly SymbolTable _symbols;
    private readonly byte[] _units;

    // [state, symbol or end of text]: the next state, with Accept set when a match ends before the symbol.
    private readonly int[] _table;
    private readonly int _stride;

    private PatternAutomaton(SymbolTable symbols, int[] table)
    {
        _symbols = symbols;
        _units = symbols.Units;
        _table = table;
        _stride = symbols.Count + 1;
    }

    /// <summary>Null when the pattern needs more than a one-symbol look ahead, too many states, or too long to build.</summary>
    public static PatternAutomaton? TryBuild(PatternNode pattern, SymbolTable symbols)
    {
        PatternProgram? program = PatternProgram.TryCompile(pattern, symbols);
        if (program is null)
            return null;
        int stride = symbols.Count + 1;
        var states = new Dictionary<string, int>(StringComparer.Ordinal) { [""] = Dead };
        int[] beginning = [0];
        var places = new List<int[]> { Array.Empty<int>(), beginning };
        states[Key(places[Start])] = Start;
        var table = new List<int>(new int[stride]);
        long work = 0;
        for (int state = Start; state < places.Count; state++)
        {
            for (int symbol = 0; symbol < stride; symbol++)
            {
                (int[] next, bool accept) = Step(program, places[state], symbol, symbol == stride - 1, ref work);
                string key = Key(next);
                if (!states.TryGetValue(key, out int id))
                {
                    if (places.Count >= MaxStates || work > MaxWork)
                        return null;
                    states[key] = id = places.Count;
                    places.Add(next);
                }
                table.Add(id | (accept ? Accept : 0));
            }
        }
        return new PatternAutomaton(symbols, [.. table]);
    }

    public override bool Find(ReadOnlySpan<char> text, int from, ref MatchScratch scratch, out int start, out int length)
    {
        byte[] units = _units;
        int[] table = _table;
        int stride = _stride;
        for (int begin = from; begin <= text.Length;)
        {
            int state = Start;
            int at = begin;
            int end = -1;
            while (at < text.Length)
            {
                int symbol = units[text[at]];
                int width = 1;
                if (symbol == SymbolTable.Surrogate)
                    symbol = _symbols.SymbolAt(text, at, out width);
                int entry = table[(state * stride) + symbol];
                if (entry >= Accept)
                    end = at;
                state = entry & StateMask;
                if (state == Dead)
                    break;
                at += width;
            }
            if (state != Dead && table[(state * stride) + stride - 1] >= Accept)
                end = text.Length;
            scratch.Budget -= at - begin;
            if (end >= 0)
            {
                (start, length) = (begin, end - begin);
                return true;
            }
            if (scratch.Budget < 0)
                throw new PatternException("a pattern that takes time without bound on this text");
            begin += begin < text.Length && char.IsHighSurrogate(text[begin]) ? 2 : 1;
        }
        (start, length) = (0, 0);
        return false;
    }

    private static string Key(int[] places) => string.Concat(places.Select(p => (char)p));

    /// <summary>
    /// Follows a state's places without taking anything, in order of preference, up to the first that matches; then takes the symbol.
    /// </summary>
    private static (int[] Next, bool Accept) Step(PatternProgram program, int[] places, int symbol, bool atEnd, ref long work)
    {
        var next = new List<int>();
        var added = new HashSet<int>();
        var seen = new HashSet<int>();
        var pending = new Stack<int>();
        foreach (int place in places)
        {
            pending.Push(place);
            while (pending.TryPop(out int p))
            {
                work++;
                if (!seen.Add(p))
                    continue;
                PatternProgram.Instruction instruction = program.Instructions[p];
                switch (instruction.Op)
                {
                    case PatternProgram.Op.Match:
                        // What is preferred less than a match is cut off.
                        return ([.. next], true);
                    case PatternProgram.Op.Jump:
                        pending.Push(instruction.X);
                        break;
                    case PatternProgram.Op.Fork:
                        pending.Push(instruction.Y);
                        pending.Push(instruction.X);
                        break;
                    case PatternProgram.Op.Next:
                        if (instruction.Allowed![symbol])
                            pending.Push(p + 1);
                        break;
                    default:
                        if (!atEnd && instruction.Allowed![symbol] && added.Add(p + 1))
                            next.Add(p + 1);
                        break;
                }
            }
        }
        return ([.. next], false);
    }
}
