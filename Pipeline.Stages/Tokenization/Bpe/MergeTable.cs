using System.Numerics;

namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>From a pair (left id, right id) to its rank and merged id: an open-addressed hash table, immutable once filled.</summary>
internal sealed class MergeTable
{
    /// <summary>The answer of <see cref="Find"/> for a pair that does not merge. As a rank it comes after every other.</summary>
    public const ulong None = ulong.MaxValue;

    private const ulong Free = ulong.MaxValue;

    private readonly Slot[] _slots;
    private readonly int _mask;

    public MergeTable(int capacity)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 8) * 2);
        _slots = new Slot[size];
        Array.Fill(_slots, new Slot(Free, None));
        _mask = size - 1;
    }

    public int Count { get; private set; }

    /// <summary>All pairs that merge, in no particular order.</summary>
    public IEnumerable<(int Left, int Right)> Pairs => _slots.Where(slot => slot.Key != Free).Select(slot => ((int)(slot.Key >> 32), (int)(uint)slot.Key));

    /// <summary>Adds a pair. One that is there already gets the new rank, as in Hugging Face's crate.</summary>
    public void Set(int left, int right, int rank, int merged)
    {
        ulong key = Key(left, right);
        int at = Hash(key) & _mask;
        while (_slots[at].Key != Free && _slots[at].Key != key)
            at = (at + 1) & _mask;
        Count += _slots[at].Key == Free ? 1 : 0;
        _slots[at] = new Slot(key, ((ulong)(uint)rank << 32) | (uint)merged);
    }

    /// <summary>The rank of a pair in the upper 32 bits and its merged id in the lower, or <see cref="None"/>.</summary>
    public ulong Find(int left, int right)
    {
        ulong key = Key(left, right);
        Slot[] slots = _slots;
        int mask = slots.Length - 1;
        for (int at = Hash(key) & mask; ; at = (at + 1) & mask)
        {
            ref readonly Slot slot = ref slots[at];
            if (slot.Key == key)
                return slot.Value;
            if (slot.Key == Free)
                return None;
        }
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private static int Hash(ulong key) => (int)((key * 0x9E3779B97F4A7C15UL) >> 33);

    private readonly record struct Slot(ulong Key, ulong Value);
}
