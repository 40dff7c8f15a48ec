using System.Numerics;

namespace Pipeline.Stages.Tokenization.Unigram;

/// <summary>From byte strings to values, walked byte by byte: an open-addressed hash table from (node, byte) to node, immutable once filled.</summary>
internal sealed class ByteTrie
{
    private const long Free = -1;

    private readonly long[] _keys;
    private readonly int[] _children;
    private readonly int[] _values;
    private readonly int _mask;
    private int _nodes = 1;

    /// <param name="entries">Strings of at least one byte, with values from 0 up. Of equal strings the last one counts.</param>
    public ByteTrie(IReadOnlyCollection<(byte[] Bytes, int Value)> entries)
    {
        int most = entries.Sum(e => e.Bytes.Length) + 1;
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(most, 8) * 2);
        (_keys, _children, _values, _mask) = (new long[size], new int[size], new int[most], size - 1);
        Array.Fill(_keys, Free);
        Array.Fill(_values, -1);
        foreach ((byte[] bytes, int value) in entries)
        {
            int node = 0;
            foreach (byte b in bytes)
                node = AddChild(node, b);
            _values[node] = value;
            Depth = Math.Max(Depth, bytes.Length);
        }
    }

    /// <summary>The length of the longest string in bytes.</summary>
    public int Depth { get; }

    /// <summary>The node that a byte leads to, or -1 if no string continues that way. The root is node 0.</summary>
    public int Child(int node, byte value)
    {
        long key = Key(node, value);
        for (int at = Hash(key) & _mask; ; at = (at + 1) & _mask)
        {
            if (_keys[at] == key)
                return _children[at];
            if (_keys[at] == Free)
                return -1;
        }
    }

    /// <summary>The value of the string that ends at a node, or -1 if none does.</summary>
    public int Value(int node) => _values[node];

    private int AddChild(int node, byte value)
    {
        long key = Key(node, value);
        int at = Hash(key) & _mask;
        while (_keys[at] != Free && _keys[at] != key)
            at = (at + 1) & _mask;
        if (_keys[at] == key)
            return _children[at];
        _keys[at] = key;
        return _children[at] = _nodes++;
    }

    private static long Key(int node, byte value) => ((long)node << 8) | value;

    private static int Hash(long key) => (int)(((ulong)key * 0x9E3779B97F4A7C15UL) >> 33);
}
