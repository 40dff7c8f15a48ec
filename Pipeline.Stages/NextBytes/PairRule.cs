using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Bpe;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Which two tokens of a BPE may stand side by side inside one piece: those that merging their joined characters gives back. A sequence
/// of tokens is what the tokenizer makes of its own text exactly when every pair of neighbours is. Two tokens' characters merge as each
/// token's do alone until a merge takes from both, so what stands at the edges that face each other, and when, decides.
/// </summary>
internal sealed class PairRule
{
    private readonly ByteVocabulary _vocabulary;
    private readonly MergeTable _merges;

    // Per token how its own characters merge: the first of its states, then one for each merge. Empty where it has no characters.
    private readonly int[] _first;
    private readonly State[] _states;

    // Symbols that a symbol merges with as the left one; places at whose left edge a symbol ever stands.
    private readonly Dictionary<int, List<int>> _rightOf = [];
    private readonly Dictionary<int, List<int>> _beginWith = [];

    /// <param name="vocabulary">Whose merges.</param>
    public PairRule(ByteVocabulary vocabulary)
    {
        (BpeModel model, TextTokenizer tokenizer) = (vocabulary.Model, vocabulary.Tokenizer);
        (_vocabulary, _merges) = (vocabulary, model.Merges);
        int count = tokenizer.VocabularySize;
        _first = new int[count + 1];
        IsReachable = new bool[count];
        var states = new List<State>();
        for (int id = 0; id < count; id++)
        {
            int[]? symbols = tokenizer.IsByteFallback(id) ? [id] : tokenizer.IsMark(id) ? null : SymbolsOf(tokenizer.TokenOf(id), model);
            IsReachable[id] = symbols is not null && Merge([.. symbols], states) == id;
            _first[id + 1] = states.Count;
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

    /// <summary>Per id whether merging its own characters gives it.</summary>
    public bool[] IsReachable { get; }

    /// <summary>Whether the second may follow the first without a boundary of the pre-tokenizer between them.</summary>
    public bool Follows(int left, int right) => IsReachable[left] && IsReachable[right] && StayApart(StatesOf(left), StatesOf(right));

    /// <summary>All that may follow a token: one bit per place of text.</summary>
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
        // Only tokens that ever have a symbol at their left edge with which one at this token's right edge merges.
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

    // Both merge on, always the one whose next merge has the lower rank, as long as their facing edges do not before that.
    private bool StayApart(ReadOnlySpan<State> left, ReadOnlySpan<State> right)
    {
        for (int a = 0, b = 0; ;)
        {
            ulong across = _merges.Find(left[a].Right, right[b].Left), ours = left[a].Next, theirs = right[b].Next;
            // Of equal ranks the leftmost is first: the left token's own, the one across, the right token's.
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

    private ReadOnlySpan<State> StatesOf(int id) => _states.AsSpan(_first[id].._first[id + 1]);

    // Lowest rank first and leftmost first among equals; what is left when one symbol is, -1 when more are.
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

    /// <param name="Left">The symbol at the left edge.</param>
    /// <param name="Right">The symbol at the right edge.</param>
    /// <param name="Next">Rank and symbol of the merge that ends the state; <see cref="MergeTable.None"/>: the last one.</param>
    private readonly record struct State(int Left, int Right, ulong Next);
}
