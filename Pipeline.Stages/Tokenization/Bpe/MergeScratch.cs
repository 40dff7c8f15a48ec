namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>
/// Merges the symbols of one word: the pair of the lowest rank first, and of equal ranks the leftmost. Short words are scanned, long ones use a heap, so
/// that even a word of a million characters takes well under a second.
/// </summary>
internal sealed class MergeScratch(MergeTable merges)
{
    private const int ScanLimit = 48;

    private int[] _symbols = new int[256];

    // At each place, what the table says about the pair that begins there.
    private ulong[] _found = new ulong[256];

    // For long words: the places before and after each place that still have a symbol, or -1.
    private int[] _previous = [];
    private int[] _next = [];

    // A heap of degree 4. Entries have the rank in the upper 32 bits and the place in the lower.
    private ulong[] _heap = [];
    private int _heapCount;
    private int _count;

    public void Begin(int capacity)
    {
        _count = 0;
        if (_symbols.Length >= capacity)
            return;
        int size = Math.Max(capacity, _symbols.Length * 2);
        _symbols = new int[size];
        _found = new ulong[size];
    }

    public void Add(int symbol)
    {
        // With a prefix or suffix, the symbols of a word can be more than its bytes.
        if (_count == _symbols.Length)
        {
            Array.Resize(ref _symbols, _count * 2);
            _found = new ulong[_count * 2];
        }
        _symbols[_count++] = symbol;
    }

    /// <summary>Merges the symbols and appends what is left.</summary>
    public void Run(List<int> ids)
    {
        if (merges.Count > 0 && _count > 1)
        {
            if (_count <= ScanLimit)
                Scan();
            else
                RunHeap();
        }
        ids.AddRange(_symbols.AsSpan(0, _count));
    }

    private void Scan()
    {
        Span<int> symbols = _symbols.AsSpan(0, _count);
        Span<ulong> found = _found.AsSpan(0, _count);
        for (int i = 0; i + 1 < symbols.Length; i++)
            found[i] = merges.Find(symbols[i], symbols[i + 1]);
        int n = _count;
        while (n > 1)
        {
            ulong best = MergeTable.None;
            int at = -1;
            for (int i = 0; i < n - 1; i++)
            {
                // Equal ranks belong to equal pairs, so the values are equal too, and the leftmost wins.
                if (found[i] < best)
                    (best, at) = (found[i], i);
            }
            if (at < 0)
                break;
            symbols[at] = (int)(uint)best;
            symbols[(at + 2)..n].CopyTo(symbols[(at + 1)..]);
            found[(at + 1)..(n - 1)].CopyTo(found[at..]);
            n--;
            if (at < n - 1)
                found[at] = merges.Find(symbols[at], symbols[at + 1]);
            if (at > 0)
                found[at - 1] = merges.Find(symbols[at - 1], symbols[at]);
        }
        _count = n;
    }

    private void RunHeap()
    {
        if (_previous.Length < _count)
        {
            _previous = new int[_symbols.Length];
            _next = new int[_symbols.Length];
        }
        _heapCount = 0;
        for (int i = 0; i < _count; i++)
        {
            _previous[i] = i - 1;
            _next[i] = i + 1 < _count ? i + 1 : -1;
        }
        for (int i = 0; i + 1 < _count; i++)
            Offer(i, i + 1);

        while (_heapCount > 0)
        {
            ulong entry = Pop();
            int at = (int)(uint)entry;
            int right = _next[at];
            // An outdated entry: the pair at this place has another rank by now, or the place is gone.
            if (_symbols[at] < 0 || right < 0 || _found[at] == MergeTable.None || (uint)(_found[at] >> 32) != (uint)(entry >> 32))
                continue;
            _symbols[at] = (int)(uint)_found[at];
            _symbols[right] = -1;
            int after = _next[right];
            _next[at] = after;
            _found[at] = MergeTable.None;
            if (after >= 0)
            {
                _previous[after] = at;
                Offer(at, after);
            }
            if (_previous[at] >= 0)
                Offer(_previous[at], at);
        }
        int written = 0;
        for (int i = 0; i >= 0; i = _next[i])
            _symbols[written++] = _symbols[i];
        _count = written;
    }

    private void Offer(int left, int right)
    {
        ulong found = merges.Find(_symbols[left], _symbols[right]);
        _found[left] = found;
        if (found != MergeTable.None)
            Push((found & 0xFFFFFFFF00000000UL) | (uint)left);
    }

    private void Push(ulong entry)
    {
        if (_heapCount == _heap.Length)
            Array.Resize(ref _heap, Math.Max(256, _heap.Length * 2));
        int at = _heapCount++;
        while (at > 0)
        {
            int parent = (at - 1) >> 2;
            if (_heap[parent] <= entry)
                break;
            _heap[at] = _heap[parent];
            at = parent;
        }
        _heap[at] = entry;
    }

    private ulong Pop()
    {
        ulong top = _heap[0];
        ulong last = _heap[--_heapCount];
        int at = 0;
        while (true)
        {
            int child = (at << 2) + 1;
            if (child >= _heapCount)
                break;
            int least = child;
            int end = Math.Min(child + 4, _heapCount);
            for (int i = child + 1; i < end; i++)
            {
                if (_heap[i] < _heap[least])
                    least = i;
            }
            if (_heap[least] >= last)
                break;
            _heap[at] = _heap[least];
            at = least;
        }
        _heap[at] = last;
        return top;
    }
}
