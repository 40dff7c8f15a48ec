using System.Runtime.InteropServices;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// A deterministic automaton over symbols that prefers the same matches as a backtracking engine. It looks up one entry of a table per character, never
/// goes back, and allocates nothing. A state is an ordered list of places in the program. The next symbol decides the look-aheads.
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

    // [state, symbol or end of text] the next state. Accept is set if a match ends before the symbol.
    private readonly int[] _table;
    private readonly int _stride;

    private PatternAutomaton(SymbolTable symbols, int[] table)
    {
        _symbols = symbols;
        _units = symbols.Units;
        _table = table;
        _stride = symbols.Count + 1;
    }

    /// <summary>
    /// Builds the automaton of a pattern. Null if the pattern looks further than one symbol ahead, needs too many states, or takes too long to build.
    /// </summary>
    public static PatternAutomaton? TryBuild(PatternNode pattern, SymbolTable symbols)
    {
        PatternProgram? program = PatternProgram.TryCompile(pattern, symbols);
        if (program is null)
            return null;
        int stride = symbols.Count + 1;
        // A state is known by its places, which are written as characters: a program has fewer instructions than there are characters.
        var states = new Dictionary<string, int>(StringComparer.Ordinal) { [""] = Dead, ["\0"] = Start };
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> known = states.GetAlternateLookup<ReadOnlySpan<char>>();
        var places = new List<string> { "", "\0" };
        var table = new List<int>(new int[stride]);
        var walk = new Walk(program);
        for (int state = Start; state < places.Count; state++)
        {
            for (int symbol = 0; symbol < stride; symbol++)
            {
                bool accept = walk.Step(places[state], symbol, symbol == stride - 1);
                if (!known.TryGetValue(walk.Next, out int id))
                {
                    if (places.Count >= MaxStates || walk.Work > MaxWork)
                        return null;
                    id = places.Count;
                    places.Add(walk.Next.ToString());
                    states[places[id]] = id;
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
                throw new PatternException("a pattern that takes unbounded time on this text");
            begin += begin < text.Length && char.IsHighSurrogate(text[begin]) ? 2 : 1;
        }
        (start, length) = (0, 0);
        return false;
    }

    /// <summary>
    /// Steps through a program. All steps use the same memory, because a large program takes thousands of steps over thousands of places.
    /// </summary>
    private sealed class Walk(PatternProgram program)
    {
        // For each place, the number of the last step that came to it.
        private readonly int[] _seen = new int[program.Instructions.Count + 1];
        private readonly int[] _added = new int[program.Instructions.Count + 1];
        private readonly Stack<int> _pending = new();
        private readonly List<char> _next = [];
        private int _step;

        public long Work { get; private set; }

        /// <summary>The places after the last step, in order of preference.</summary>
        public ReadOnlySpan<char> Next => CollectionsMarshal.AsSpan(_next);

        /// <summary>
        /// Goes on from the places of a state, in order of preference, up to the first match. What takes no symbol is followed; the places that can take the
        /// symbol are moved past it.
        /// </summary>
        /// <returns>Whether a match ends before the symbol.</returns>
        public bool Step(string places, int symbol, bool atEnd)
        {
            _step++;
            _next.Clear();
            foreach (char place in places)
            {
                _pending.Clear();
                _pending.Push(place);
                while (_pending.TryPop(out int p))
                {
                    Work++;
                    if (_seen[p] == _step)
                        continue;
                    _seen[p] = _step;
                    PatternProgram.Instruction instruction = program.Instructions[p];
                    switch (instruction.Op)
                    {
                        case PatternProgram.Op.Match:
                            // All places that come after this one are preferred less than the match, and are dropped.
                            return true;
                        case PatternProgram.Op.Jump:
                            _pending.Push(instruction.X);
                            break;
                        case PatternProgram.Op.Fork:
                            _pending.Push(instruction.Y);
                            _pending.Push(instruction.X);
                            break;
                        case PatternProgram.Op.Next:
                            if (instruction.Allowed![symbol])
                                _pending.Push(p + 1);
                            break;
                        default:
                            if (!atEnd && instruction.Allowed![symbol] && _added[p + 1] != _step)
                            {
                                _added[p + 1] = _step;
                                _next.Add((char)(p + 1));
                            }
                            break;
                    }
                }
            }
            return false;
        }
    }
}
