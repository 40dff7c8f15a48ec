namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The trie of a vocabulary's tokens. Its nodes are beginnings, that is, bytes that some longer token begins with. Each has a branch for every byte
/// that comes next in some token. It is built once from the sorted tokens, so that no range of places has to be searched for later.
/// </summary>
internal sealed class ByteBeginnings
{
    /// <summary>The beginning that no token continues.</summary>
    public const int None = -1;

    // By beginning, its first branch. After its branches comes one more entry, which only ends the last branch.
    private readonly int[] _first;
    private readonly byte[] _symbols;
    private readonly int[] _starts;
    private readonly int[] _next;

    /// <summary>Builds the trie level by level.</summary>
    /// <param name="count">The number of tokens.</param>
    /// <param name="bytesAt">The bytes of the token at a place. Places must be in the order of the bytes.</param>
    public ByteBeginnings(int count, Func<int, ReadOnlySpan<byte>> bytesAt)
    {
        List<int> first = [0], starts = [], next = [];
        var symbols = new List<byte>();
        var waiting = new Queue<(int Start, int End, int Depth)>([(0, count, 0)]);
        for (int seen = 1; waiting.TryDequeue(out (int Start, int End, int Depth) at); first.Add(starts.Count))
        {
            for (int place = at.Start; place < at.End; place++)
            {
                // The tokens that are this beginning and no longer come first; they have no next byte.
                if (bytesAt(place).Length <= at.Depth)
                    continue;
                int start = place;
                byte symbol = bytesAt(place)[at.Depth];
                while (place + 1 < at.End && bytesAt(place + 1)[at.Depth] == symbol)
                    place++;
                symbols.Add(symbol);
                starts.Add(start);
                bool goesOn = bytesAt(place).Length > at.Depth + 1;
                next.Add(goesOn ? seen++ : None);
                if (goesOn)
                    waiting.Enqueue((start, place + 1, at.Depth + 1));
            }
            symbols.Add(0);
            starts.Add(at.End);
            next.Add(None);
        }
        (_first, _symbols, _starts, _next) = ([.. first], [.. symbols], [.. starts], [.. next]);
    }

    /// <summary>The branches of a beginning. Beginning 0 is the empty one.</summary>
    public ByteBranches After(int beginning)
        => beginning == None
            ? new ByteBranches(_symbols, _starts, _starts.Length - 1, 0)
            : new ByteBranches(_symbols, _starts, _first[beginning], _first[beginning + 1] - _first[beginning] - 1);

    /// <summary>The beginning that is one byte longer; <see cref="None"/> where no token is longer still.</summary>
    public int Next(int beginning, byte value)
    {
        int at = After(beginning).Symbols.IndexOf(value);
        return at < 0 ? None : _next[_first[beginning] + at];
    }
}
