namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The beginnings of a vocabulary's tokens, each with the bytes that come next in some token: one pass over the tokens in the order of their
/// bytes, so that no range of places has to be searched again.
/// </summary>
internal sealed class ByteBeginnings
{
    /// <summary>No token goes on here.</summary>
    public const int None = -1;

    // Per beginning its first branch; behind its branches is an entry that only ends the last one.
    private readonly int[] _first;
    private readonly byte[] _symbols;
    private readonly int[] _starts;
    private readonly int[] _next;

    /// <param name="count">Tokens.</param>
    /// <param name="bytesAt">Of the token at a place; places are in the order of the bytes.</param>
    public ByteBeginnings(int count, Func<int, ReadOnlySpan<byte>> bytesAt)
    {
        List<int> first = [0], starts = [], next = [];
        var symbols = new List<byte>();
        var waiting = new Queue<(int Start, int End, int Depth)>([(0, count, 0)]);
        for (int seen = 1; waiting.TryDequeue(out (int Start, int End, int Depth) at); first.Add(starts.Count))
        {
            for (int place = at.Start; place < at.End; place++)
            {
                // Those that are the beginning itself, and no more, are in front.
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

    /// <summary>How tokens go on behind a beginning; 0 is that of no byte.</summary>
    public ByteBranches After(int beginning)
        => beginning == None
            ? new ByteBranches(_symbols, _starts, _starts.Length - 1, 0)
            : new ByteBranches(_symbols, _starts, _first[beginning], _first[beginning + 1] - _first[beginning] - 1);

    /// <summary>The beginning that is one byte longer; <see cref="None"/> where no token goes on behind it.</summary>
    public int Next(int beginning, byte value)
    {
        int at = After(beginning).Symbols.IndexOf(value);
        return at < 0 ? None : _next[_first[beginning] + at];
    }
}
