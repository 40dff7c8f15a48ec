using System.Runtime.CompilerServices;
using System.Text;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Maps every code point to a symbol of the smallest alphabet that can tell the classes of a pattern apart: two code points share a symbol if each class
/// contains both or neither. Matching then has nothing to do with UTF-16, categories, scripts or case.
/// </summary>
internal sealed class SymbolTable
{
    /// <summary>The entry of a surrogate in the table of UTF-16 units. Its symbol must be looked up for the pair.</summary>
    public const byte Surrogate = 255;

    private const int MaxSymbols = 250;
    private const int PageBits = 8;

    private readonly byte[] _units = new byte[0x10000];
    private readonly byte[][] _pages = new byte[CodePointSet.End >> PageBits][];

    // For each symbol, one of its code points.
    private readonly int[] _samples;

    private SymbolTable(int[] samples) => _samples = samples;

    /// <summary>The number of symbols, which are numbered from 0.</summary>
    public int Count => _samples.Length;

    public byte[] Units => _units;

    /// <summary>Builds the table for the classes of a pattern.</summary>
    /// <exception cref="PatternException">The classes need more symbols than are supported.</exception>
    public static SymbolTable Build(IReadOnlyList<CodePointSet> classes)
    {
        CodePointSet[] distinct = [.. classes.Distinct()];
        var cuts = new SortedSet<int> { 0, CodePointSet.End };
        foreach (CodePointSet set in distinct)
        {
            foreach (int bound in set.Bounds)
                cuts.Add(bound);
        }
        int[] starts = [.. cuts];
        var symbols = new Dictionary<string, int>(StringComparer.Ordinal);
        var intervals = new int[starts.Length - 1];
        var signature = new StringBuilder();
        for (int i = 0; i < intervals.Length; i++)
        {
            signature.Clear();
            foreach (CodePointSet set in distinct)
                signature.Append(set.Contains(starts[i]) ? '1' : '0');
            string key = signature.ToString();
            if (!symbols.TryGetValue(key, out int symbol))
                symbols[key] = symbol = symbols.Count;
            intervals[i] = symbol;
        }
        if (symbols.Count > MaxSymbols)
            throw new PatternException($"a pattern whose classes distinguish {symbols.Count} kinds of characters; at most {MaxSymbols} are supported");

        var samples = new int[symbols.Count];
        for (int i = 0; i < intervals.Length; i++)
            samples[intervals[i]] = starts[i];
        var table = new SymbolTable(samples);
        for (int i = 0; i < intervals.Length; i++)
            table.Fill(starts[i], starts[i + 1], (byte)intervals[i]);
        table._units.AsSpan(0xD800, 0x800).Fill(Surrogate);
        return table;
    }

    /// <summary>[symbols] whether the set contains each symbol. This is exact for the classes of the pattern, and for sets that are made from them.</summary>
    public bool[] Members(CodePointSet set) => Array.ConvertAll(_samples, set.Contains);

    public int Symbol(int codePoint)
        => codePoint < 0x10000 ? _units[codePoint] : _pages[codePoint >> PageBits][codePoint & ((1 << PageBits) - 1)];

    /// <summary>The symbol at a place of well-formed text, and the number of UTF-16 units that it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SymbolAt(ReadOnlySpan<char> text, int at, out int width)
    {
        int symbol = _units[text[at]];
        width = 1;
        return symbol == Surrogate ? SymbolOfPair(text, at, out width) : symbol;
    }

    private int SymbolOfPair(ReadOnlySpan<char> text, int at, out int width)
    {
        width = 1;
        if (at + 1 >= text.Length || !char.IsSurrogatePair(text[at], text[at + 1]))
            return Symbol(0xFFFD);
        width = 2;
        return Symbol(char.ConvertToUtf32(text[at], text[at + 1]));
    }

    private void Fill(int start, int end, byte symbol)
    {
        if (start < 0x10000)
            _units.AsSpan(start, Math.Min(end, 0x10000) - start).Fill(symbol);
        int size = 1 << PageBits;
        for (int page = start >> PageBits; page < (end + size - 1) >> PageBits; page++)
        {
            byte[] cells = _pages[page] ??= new byte[size];
            int from = Math.Max(start, page << PageBits);
            int to = Math.Min(end, (page + 1) << PageBits);
            cells.AsSpan(from & (size - 1), to - from).Fill(symbol);
        }
    }
}
