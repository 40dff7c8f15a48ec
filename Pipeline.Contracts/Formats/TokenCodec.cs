using System.Buffers;
using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Encodes the tokens of one side as two byte strings: ids and lengths. How many bytes a token has nearly always follows from its id, so only the
/// difference to the last length with this id is kept. If most tokens are single bytes of the text, the ids of those are left out.
/// </summary>
internal sealed class TokenCodec
{
    private const int MemorySlots = 1 << 16;

    private readonly int[] _lastLength = new int[MemorySlots];

    /// <summary>Forgets all lengths. Each block begins like this, because blocks are read independently of each other.</summary>
    public void Reset() => Array.Clear(_lastLength);

    /// <summary>Appends the tokens to the buffers.</summary>
    public void Write(TokenSequence tokens, ReadOnlySpan<byte> text, IBufferWriter<byte> ids, IBufferWriter<byte> lengths)
    {
        bool bytewise = IsBytewise(tokens, text);
        Varint.Write(ids, ((uint)tokens.Count << 1) | (bytewise ? 1u : 0u));
        int start = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            int length = tokens.ByteEnds[i] - start;
            start = tokens.ByteEnds[i];
            if (!bytewise)
            {
                Varint.Write(ids, (uint)tokens.Ids[i]);
                Varint.WriteSigned(lengths, length - Remembered(tokens.Ids[i], length));
            }
            else
            {
                Varint.Write(lengths, (uint)length);
                if (length != 1)
                    Varint.Write(ids, (uint)tokens.Ids[i]);
            }
        }
    }

    /// <summary>The inverse of <see cref="Write"/>. Tokens have to be read in the order in which they were written.</summary>
    /// <exception cref="InvalidDataException">The bytes are not what <see cref="Write"/> writes.</exception>
    public TokenSequence Read(ReadOnlySpan<byte> ids, ReadOnlySpan<byte> lengths, ReadOnlySpan<byte> text)
    {
        uint head = Varint.Read(ref ids);
        bool bytewise = (head & 1) == 1;
        uint count = head >> 1;
        MessagePackBytes.Expect(count <= (uint)lengths.Length, $"each of {count} tokens has a length");
        var tokens = new TokenSequence(new int[count], new int[count]);
        int start = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            int length;
            if (!bytewise)
            {
                tokens.Ids[i] = (int)Varint.Read(ref ids);
                int difference = Varint.ReadSigned(ref lengths);
                length = unchecked(difference + Recall(tokens.Ids[i], difference));
            }
            else
            {
                length = Varint.ReadAtMost(ref lengths, int.MaxValue);
                MessagePackBytes.Expect(length != 1 || start < text.Length, "a token of one byte stands on a byte of the text");
                tokens.Ids[i] = length == 1 ? text[start] : (int)Varint.Read(ref ids);
            }
            MessagePackBytes.Expect(length >= 0 && length <= int.MaxValue - start, "tokens do not end before they begin");
            start += length;
            tokens.ByteEnds[i] = start;
        }
        MessagePackBytes.Expect(ids.IsEmpty && lengths.IsEmpty, "nothing follows the last token");
        return tokens;
    }

    private int Remembered(int id, int length)
    {
        ref int slot = ref _lastLength[id & (MemorySlots - 1)];
        int last = slot;
        slot = length;
        return last;
    }

    private int Recall(int id, int difference)
    {
        ref int slot = ref _lastLength[id & (MemorySlots - 1)];
        int last = slot;
        slot = unchecked(last + difference);
        return last;
    }

    private static bool IsBytewise(TokenSequence tokens, ReadOnlySpan<byte> text)
    {
        int start = 0;
        int single = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            if (tokens.ByteEnds[i] - start == 1)
            {
                if (start >= text.Length || tokens.Ids[i] != text[start])
                    return false;
                single++;
            }
            start = tokens.ByteEnds[i];
        }
        return single > tokens.Count / 2;
    }
}
