using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Bpe;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Decides which two tokens of a BPE vocabulary may be neighbours inside one piece: those for which merging their joined characters gives the
/// same two tokens back. A sequence of tokens is what BPE makes of its characters exactly when this holds for every pair of neighbours. The
/// characters of both tokens merge as they would alone until the first merge that takes one symbol from each. It is therefore enough to know
/// which symbols face each other after each merge.
/// </summary>
internal sealed class PairRule
{
    private readonly ByteVocabulary _vocabulary;
    private readonly MergeTable _merges;

    // By id, how a token's own characters merge: a state before the first merge and one after each. A token without characters has none.
    private readonly int[] _firstState;
    private readonly State[] _states;

    // By symbol: the symbols that merge onto its right, and the places of the tokens at whose left edge it stands at any time.
    private readonly Dictionary<int, List<int>> _rightOf = [];
    private readonly Dictionary<int, List<int>> _beginWith = [];

    /// <summary>Merges the characters of every token of the vocabulary.</summary>
    public PairRule(ByteVocabulary vocabulary)
    {
        (BpeModel model, TextTokenizer tokenizer) = (vocabulary.Model, vocabulary.Tokenizer);
        (_vocabulary, _merges) = (vocabulary, model.Merges);
        int count = tokenizer.VocabularySize;
        _firstState = new int[count + 1];
        IsReachable = new bool[count];
        var states = new List<State>();
        for (int id = 0; id < count; id++)
        {
            int[]? symbols = tokenizer.IsByteFallback(id) ? [id] : tokenizer.IsMark(id) ? null : SymbolsOf(tokenizer.TokenOf(id), model);
            IsReachable[id] = symbols is not null && Merge([.. symbols], states) == id;
            _firstState[id + 1] = states.Count;
        }
        _states = [.. states];
        foreach ((int left, int right) in _merges.Pairs)
            Add(_rightOf, left, right);
        for (int place = 0; place < vocabulary.TextCount; place++)
        {
            int id = vocabulary.Ids[place];
            foreach (int symbol in IsReachable[id] ? StatesOf(id).ToArray().Select(state => state.Left).Distinct() : [])
                Add(_beginWith, symbol, place);
        }
    }

    /// <summary>By id, whether merging a token's characters gives the token.</summary>
    public bool[] IsReachable { get; }

    /// <summary>Whether the token <paramref name="right"/> may come directly after <paramref name="left"/> in the same piece.</summary>
    public bool Follows(int left, int right) => IsReachable[left] && IsReachable[right] && StayApart(StatesOf(left), StatesOf(right));

    /// <summary>Which tokens may follow a token in the same piece: one bit per place of text.</summary>
    public ulong[] After(int left)
    {
        int count = _vocabulary.TextCount;
        ulong[] bits = new ulong[(count + 63) / 64], seen = new ulong[bits.Length];
        if (!IsReachable[left])
            return bits;
        for (int place = 0; place < count; place++)
        {
            if (IsReachable[_vocabulary.Ids[place]])
                bits[place >> 6] |= 1UL << (place & 63);
        }
        // Of the tokens to the right, only those have to be checked that at some time begin with a symbol that merges onto this token's right edge.
        ReadOnlySpan<State> states = StatesOf(left);
        foreach (int edge in states.ToArray().Select(state => state.Right).Distinct())
        {
            foreach (int symbol in _rightOf.GetValueOrDefault(edge) ?? [])
            {
                foreach (int place in _beginWith.GetValueOrDefault(symbol) ?? [])
                {
                    ulong bit = 1UL << (place & 63);
                    if ((seen[place >> 6] & bit) != 0)
                        continue;
                    seen[place >> 6] |= bit;
                    if (!StayApart(states, StatesOf(_vocabulary.Ids[place])))
                        bits[place >> 6] &= ~bit;
                }
            }
        }
        return bits;
    }

    // Merges both tokens side by side in the order of the ranks, until their facing symbols merge or nothing is left to merge.
    private bool StayApart(ReadOnlySpan<State> left, ReadOnlySpan<State> right)
    {
        for (int a = 0, b = 0; ;)
        {
            ulong across = _merges.Find(left[a].Right, right[b].Left), ours = left[a].Next, theirs = right[b].Next;
            // Among equal ranks the leftmost merge is first: the left token's own, then the one across, then the right token's own.
            if (across < ours && across <= theirs)
                return false;
            if (ours == MergeTable.None && theirs == MergeTable.None)
                return true;
            if (ours <= theirs)
                a++;
            else
                b++;
        }
    }

    private ReadOnlySpan<State> StatesOf(int id) => _states.AsSpan(_firstState[id].._firstState[id + 1]);

    // Merges in the order of BPE: the lowest rank first, and the leftmost of equal ones. Adds the state before each merge and the last one.
    // Returns the symbol that is left, or -1 where more than one is.
    private int Merge(List<int> now, List<State> states)
    {
        while (true)
        {
            (ulong best, int at) = (MergeTable.None, -1);
            for (int i = 0; i + 1 < now.Count; i++)
            {
                if (_merges.Find(now[i], now[i + 1]) is var found && found < best)
                    (best, at) = (found, i);
            }
            states.Add(new State(now[0], now[^1], best));
            if (at < 0)
                return now.Count == 1 ? now[0] : -1;
            now[at] = (int)(uint)best;
            now.RemoveAt(at + 1);
        }
    }

    private static int[]? SymbolsOf(string? token, BpeModel model)
    {
        if (token is null)
            return null;
        var symbols = new List<int>();
        for (int i = 0; i < token.Length; i++)
        {
            int id = model.Character(token[i]);
            if (char.IsHighSurrogate(token[i]) && i + 1 < token.Length)
                id = model.Tokens.GetValueOrDefault(token.Substring(i++, 2), -1);
            if (id < 0)
                return null;
            symbols.Add(id);
        }
        return symbols.Count == 0 ? null : [.. symbols];
    }

    private static void Add(Dictionary<int, List<int>> lists, int key, int value)
    {
        if (!lists.TryGetValue(key, out List<int>? list))
            lists[key] = list = [];
        list.Add(value);
    }

    /// <summary>A moment while the characters of one token merge.</summary>
    /// <param name="Left">The symbol at the token's left edge.</param>
    /// <param name="Right">The symbol at the token's right edge.</param>
    /// <param name="Next">The next merge, as <see cref="MergeTable.Find"/> gives it; <see cref="MergeTable.None"/> after the last.</param>
    private readonly record struct State(int Left, int Right, ulong Next);
}
