using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Bpe;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Which two tokens of a BPE may stand side by side inside one piece: those that merging their joined characters gives back. A sequence
/// of tokens is what the tokenizer makes of its own text exactly when every pair of neighbours is.
/// </summary>
internal sealed class PairRule
{
    private readonly MergeTable _merges;
    private readonly MergeScratch _scratch;
    private readonly List<int> _merged = [];
    private readonly int[]?[] _symbols;

    // What ever stands at a token's left and right edge while its own characters merge: only these can merge across.
    private readonly int[][] _leftEdges;
    private readonly int[][] _rightEdges;

    /// <param name="vocabulary">Whose merges.</param>
    public PairRule(ByteVocabulary vocabulary)
    {
        (BpeModel model, TextTokenizer tokenizer) = (vocabulary.Model, vocabulary.Tokenizer);
        _merges = model.Merges;
        _scratch = new MergeScratch(_merges);
        int count = tokenizer.VocabularySize;
        _symbols = new int[count][];
        _leftEdges = new int[count][];
        _rightEdges = new int[count][];
        IsReachable = new bool[count];
        for (int id = 0; id < count; id++)
        {
            _symbols[id] = tokenizer.IsByteFallback(id) ? [id] : tokenizer.IsMark(id) ? null : SymbolsOf(tokenizer.TokenOf(id), model);
            (_leftEdges[id], _rightEdges[id], IsReachable[id]) = _symbols[id] is { } symbols ? Edges(symbols, id) : ([], [], false);
        }
    }

    /// <summary>Per id whether merging its own characters gives it.</summary>
    public bool[] IsReachable { get; }

    /// <summary>Whether the second may follow the first without a boundary of the pre-tokenizer between them.</summary>
    public bool Follows(int left, int right)
    {
        if (_symbols[left] is not { } a || _symbols[right] is not { } b || !IsReachable[left] || !IsReachable[right])
            return false;
        return !MayMerge(_rightEdges[left], _leftEdges[right]) || Keeps(left, right, a, b);
    }

    private bool MayMerge(int[] lefts, int[] rights)
    {
        foreach (int left in lefts)
        {
            foreach (int right in rights)
            {
                if (_merges.Find(left, right) != MergeTable.None)
                    return true;
            }
        }
        return false;
    }

    private bool Keeps(int left, int right, int[] a, int[] b)
    {
        _scratch.Begin(a.Length + b.Length);
        foreach (int symbol in a)
            _scratch.Add(symbol);
        foreach (int symbol in b)
            _scratch.Add(symbol);
        _merged.Clear();
        _scratch.Run(_merged);
        return _merged.Count == 2 && _merged[0] == left && _merged[1] == right;
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
        return [.. symbols];
    }

    private (int[] Left, int[] Right, bool IsReachable) Edges(int[] symbols, int id)
    {
        List<int> now = [.. symbols];
        HashSet<int> left = [now[0]], right = [now[^1]];
        while (now.Count > 1)
        {
            (ulong best, int at) = (MergeTable.None, -1);
            for (int i = 0; i + 1 < now.Count; i++)
            {
                if (_merges.Find(now[i], now[i + 1]) is var found && found < best)
                    (best, at) = (found, i);
            }
            if (at < 0)
                break;
            now[at] = (int)(uint)best;
            now.RemoveAt(at + 1);
            left.Add(now[0]);
            right.Add(now[^1]);
        }
        return ([.. left], [.. right], now.Count == 1 && now[0] == id);
    }
}
