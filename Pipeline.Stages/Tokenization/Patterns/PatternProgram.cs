namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// A pattern as instructions for an engine that follows all ways to match at once, in order of preference. A pattern has a program only if one symbol of
/// look-ahead is enough to decide it.
/// </summary>
internal sealed class PatternProgram
{
    private const int MaxInstructions = 20_000;

    private readonly SymbolTable _symbols;

    private PatternProgram(SymbolTable symbols) => _symbols = symbols;

    public enum Op
    {
        /// <summary>Takes one symbol that is in <c>Allowed</c>.</summary>
        Symbol,

        /// <summary>Goes on if the next symbol, or the end of the text (the last entry), is in <c>Allowed</c>. Takes nothing.</summary>
        Next,

        /// <summary>Goes on at X, or, with less preference, at Y.</summary>
        Fork,

        Jump,

        Match,
    }

    public readonly record struct Instruction(Op Op, int X, int Y, bool[]? Allowed);

    public List<Instruction> Instructions { get; } = [];

    /// <summary>Compiles a pattern. Null if it looks further than one symbol ahead, or gets too long.</summary>
    public static PatternProgram? TryCompile(PatternNode pattern, SymbolTable symbols)
    {
        var program = new PatternProgram(symbols);
        // Nothing follows the whole pattern, and nothing always matches.
        if (!program.Emit(pattern, new Follow(CodePointSet.Empty, CanFail: false)))
            return null;
        program.Instructions.Add(new Instruction(Op.Match, 0, 0, null));
        return program;
    }

    /// <summary>What comes after a node: the characters that it can begin with, and whether it can fail to match.</summary>
    private readonly record struct Follow(CodePointSet First, bool CanFail);

    private bool Emit(PatternNode node, Follow follow)
    {
        if (Instructions.Count > MaxInstructions)
            return false;
        switch (node)
        {
            case PatternNode.Class c:
                Instructions.Add(new Instruction(Op.Symbol, 0, 0, _symbols.Members(c.Set)));
                return true;
            case PatternNode.Sequence s:
                return EmitSequence(s, follow);
            case PatternNode.Alternatives a:
                return EmitAlternatives(a, follow);
            case PatternNode.Repeat r:
                return EmitRepeat(r, follow);
            case PatternNode.Atomic a:
                return PatternClasses.AsSingle(a.Item) is { } single && Emit(new PatternNode.Class(single), follow);
            case PatternNode.Look { Ahead: true } l when PatternClasses.AsSingle(l.Item) is { } set:
                EmitNext(set, l.Negative);
                return true;
            case PatternNode.Place { Kind: PlaceKind.TextEnd }:
                EmitNext(CodePointSet.All, negative: true);
                return true;
            case PatternNode.Place { Kind: PlaceKind.LineEnd }:
                EmitNext(CharacterSets.NewLine.Complement(), negative: true);
                return true;
            default:
                return false;
        }
    }

    private void EmitNext(CodePointSet set, bool negative)
    {
        bool[] allowed = new bool[_symbols.Count + 1];
        bool[] members = _symbols.Members(set);
        for (int i = 0; i < members.Length; i++)
            allowed[i] = members[i] != negative;
        allowed[^1] = negative;
        Instructions.Add(new Instruction(Op.Next, 0, 0, allowed));
    }

    private bool EmitSequence(PatternNode.Sequence sequence, Follow follow)
    {
        var follows = new Follow[sequence.Items.Count];
        for (int i = follows.Length - 1; i >= 0; i--)
        {
            follows[i] = follow;
            follow = Before(sequence.Items[i], follow);
        }
        for (int i = 0; i < follows.Length; i++)
        {
            if (!Emit(sequence.Items[i], follows[i]))
                return false;
        }
        return true;
    }

    private static Follow Before(PatternNode node, Follow follow)
    {
        (CodePointSet first, bool nullable) = PatternClasses.First(node);
        // A node that looks around itself may fail without taking anything, so it may begin with any character.
        if (Looks(node))
            return new Follow(CodePointSet.All, CanFail: true);
        return nullable
            ? new Follow(CodePointSet.Union(first, follow.First), follow.CanFail)
            : new Follow(first, CanFail: true);
    }

    private static bool Looks(PatternNode node) => node switch
    {
        PatternNode.Look or PatternNode.Place => true,
        PatternNode.Sequence s => s.Items.Any(Looks),
        PatternNode.Alternatives a => a.Items.Any(Looks),
        PatternNode.Repeat r => Looks(r.Item),
        PatternNode.Atomic a => Looks(a.Item),
        _ => false,
    };

    private bool EmitAlternatives(PatternNode.Alternatives alternatives, Follow follow)
    {
        var jumps = new List<int>();
        for (int i = 0; i < alternatives.Items.Count; i++)
        {
            int fork = -1;
            if (i < alternatives.Items.Count - 1)
                fork = Add(Op.Fork);
            if (!Emit(alternatives.Items[i], follow))
                return false;
            if (fork < 0)
                break;
            jumps.Add(Add(Op.Jump));
            Instructions[fork] = new Instruction(Op.Fork, fork + 1, Instructions.Count, null);
        }
        foreach (int jump in jumps)
            Instructions[jump] = new Instruction(Op.Jump, Instructions.Count, 0, null);
        return true;
    }

    private bool EmitRepeat(PatternNode.Repeat repeat, Follow follow)
    {
        (CodePointSet first, bool nullable) = PatternClasses.First(repeat.Item);
        // Loops over an item that may take nothing follow the special rules of backtracking engines.
        if (nullable || Looks(repeat.Item))
            return false;
        if (repeat.Mode == RepeatMode.Possessive)
        {
            // Giving characters back can help only if what follows can fail where the run ends, and can begin with one of the run's characters.
            bool same = PatternClasses.AsSingle(repeat.Item) is { } single
                && (!follow.CanFail || !follow.First.Overlaps(single));
            if (!same)
                return false;
        }
        var inside = new Follow(CodePointSet.Union(first, follow.First), CanFail: true);
        for (int i = 0; i < repeat.Min; i++)
        {
            if (!Emit(repeat.Item, inside))
                return false;
        }
        bool lazy = repeat.Mode == RepeatMode.Lazy;
        if (repeat.Max is not { } max)
        {
            int fork = Add(Op.Fork);
            if (!Emit(repeat.Item, inside))
                return false;
            int jump = Add(Op.Jump);
            Instructions[jump] = new Instruction(Op.Jump, fork, 0, null);
            Instructions[fork] = ForkTo(fork + 1, Instructions.Count, lazy);
            return true;
        }
        var forks = new List<int>();
        for (int i = repeat.Min; i < max; i++)
        {
            forks.Add(Add(Op.Fork));
            if (!Emit(repeat.Item, inside))
                return false;
        }
        foreach (int fork in forks)
            Instructions[fork] = ForkTo(fork + 1, Instructions.Count, lazy);
        return true;
    }

    private static Instruction ForkTo(int into, int past, bool lazy)
        => lazy ? new Instruction(Op.Fork, past, into, null) : new Instruction(Op.Fork, into, past, null);

    private int Add(Op op)
    {
        Instructions.Add(new Instruction(op, 0, 0, null));
        return Instructions.Count - 1;
    }
}
