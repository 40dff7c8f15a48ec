using System.Buffers.Binary;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>
/// SentencePiece's compiled replacement rules: a double-array trie over the UTF-8 of what is replaced, and the replacements as one block of
/// strings that end in a zero. The bytes are, little-endian, the length of the trie in bytes, its units of 32 bits, and the block.
/// </summary>
internal sealed class CharsMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    private CharsMap(uint[] units, byte[] replacements) => (_units, _replacements) = (units, replacements);

    /// <summary>Reads a map.</summary>
    /// <exception cref="FormatException">The bytes are not such a map.</exception>
    public static CharsMap Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4)
            throw new FormatException($"{bytes.Length} bytes long, expected at least 4");
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (length == 0 || length % 4 != 0 || length > bytes.Length - 4)
            throw new FormatException($"its trie claims {length} bytes of {bytes.Length - 4}");
        var units = new uint[length / 4];
        for (int i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (4 * i))..]);
        byte[] replacements = bytes[(4 + (int)length)..].ToArray();
        if (!System.Text.Unicode.Utf8.IsValid(replacements))
            throw new FormatException("its replacements are not UTF-8");
        return new CharsMap(units, replacements);
    }

    /// <summary>
    /// What replaces a whole chunk of UTF-8, or null. As Hugging Face's crate does, it takes the entry of the shortest prefix of the chunk that is in the map.
    /// </summary>
    /// <exception cref="InputException">The trie points outside itself.</exception>
    public string? Find(ReadOnlySpan<byte> chunk)
    {
        long node = Offset(Unit(0));
        foreach (byte value in chunk)
        {
            if (value == 0)
                return null;
            node ^= value;
            uint unit = Unit(node);
            if ((unit & 0x8000_00FF) != value)
                return null;
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 1)
                return Text(Unit(node) & 0x7FFF_FFFF);
        }
        return null;
    }

    private static long Offset(uint unit) => (unit >> 10) << (int)((unit & (1 << 9)) >> 6);

    private uint Unit(long at) => at < _units.Length ? _units[at] : throw new InputException(
        $"a tokenizer's precompiled_charsmap points at unit {at} of {_units.Length}; the file is damaged: download it again");

    private string Text(uint start)
    {
        if (start >= _replacements.Length)
            return "";
        ReadOnlySpan<byte> rest = _replacements.AsSpan((int)start);
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }
}
