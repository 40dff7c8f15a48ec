using System.Runtime.InteropServices;

namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>
/// Remembers the ids of the words that one worker has met. The table grows to a fixed size. When it is full, everything is forgotten, which is cheaper
/// than choosing what to forget.
/// </summary>
internal sealed class WordCache
{
    /// <summary>The length of the longest words that are remembered, in UTF-16 units.</summary>
    public const int MaxWord = 48;

    private const int FirstSlots = 1 << 10;
    private const int MaxSlots = 1 << 17;

    private Slot[] _slots = new Slot[FirstSlots];
    private char[] _words = new char[FirstSlots * 6];
    private int[] _ids = new int[FirstSlots * 4];
    private int _count;
    private int _wordsUsed;
    private int _idsUsed;

    /// <summary>Appends the ids of a word to the list, if the word is known.</summary>
    public bool TryAppend(ReadOnlySpan<char> word, uint hash, List<int> ids)
    {
        Slot[] slots = _slots;
        int mask = slots.Length - 1;
        for (int at = (int)hash & mask; ; at = (at + 1) & mask)
        {
            ref readonly Slot slot = ref slots[at];
            if (slot.Length == 0)
                return false;
            if (slot.Hash != hash || slot.Length != word.Length || !word.SequenceEqual(_words.AsSpan(slot.Word, slot.Length)))
                continue;
            if (slot.IdCount == 1)
                ids.Add(_ids[slot.Ids]);
            else
                ids.AddRange(_ids.AsSpan(slot.Ids, slot.IdCount));
            return true;
        }
    }

    public void Add(ReadOnlySpan<char> word, uint hash, ReadOnlySpan<int> ids)
    {
        if (_count * 2 >= _slots.Length)
            GrowOrForget();
        if (_wordsUsed + word.Length > _words.Length)
            Array.Resize(ref _words, _words.Length * 2);
        if (_idsUsed + ids.Length > _ids.Length)
            Array.Resize(ref _ids, _ids.Length * 2);
        word.CopyTo(_words.AsSpan(_wordsUsed));
        ids.CopyTo(_ids.AsSpan(_idsUsed));
        Insert(_slots, new Slot(hash, _wordsUsed, _idsUsed, (byte)word.Length, (byte)ids.Length));
        _wordsUsed += word.Length;
        _idsUsed += ids.Length;
        _count++;
    }

    public static uint Hash(ReadOnlySpan<char> word)
    {
        ulong hash = (ulong)word.Length * 0x9E3779B97F4A7C15UL;
        while (word.Length >= 4)
        {
            hash = (hash ^ MemoryMarshal.Read<ulong>(MemoryMarshal.AsBytes(word))) * 0xD6E8FEB86659FD93UL;
            hash ^= hash >> 32;
            word = word[4..];
        }
        ulong rest = 0;
        foreach (char c in word)
            rest = (rest << 16) | c;
        hash = (hash ^ rest) * 0xD6E8FEB86659FD93UL;
        return (uint)(hash >> 32);
    }

    private void GrowOrForget()
    {
        if (_slots.Length < MaxSlots)
        {
            var larger = new Slot[_slots.Length * 2];
            foreach (Slot slot in _slots)
            {
                if (slot.Length > 0)
                    Insert(larger, slot);
            }
            _slots = larger;
            return;
        }
        Array.Clear(_slots);
        (_count, _wordsUsed, _idsUsed) = (0, 0, 0);
    }

    private static void Insert(Slot[] slots, Slot slot)
    {
        int mask = slots.Length - 1;
        int at = (int)slot.Hash & mask;
        while (slots[at].Length > 0)
            at = (at + 1) & mask;
        slots[at] = slot;
    }

    private readonly record struct Slot(uint Hash, int Word, int Ids, byte Length, byte IdCount);
}
