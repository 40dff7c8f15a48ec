using System.Buffers.Binary;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Gguf;

/// <summary>
/// Reads the head of a file from front to back. Every length is checked against the bytes that are left before anything is allocated. The methods that read
/// throw an <see cref="InputException"/> where the file is corrupt; their first text argument says what is being read.
/// </summary>
/// <param name="bytes">The bytes of the file, or its first two gigabytes.</param>
/// <param name="path">The file's path, for messages.</param>
internal ref struct GgufReader(ReadOnlySpan<byte> bytes, string path)
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>How many bytes were read so far.</summary>
    public int At { get; private set; }

    /// <summary>How many bytes are left.</summary>
    public readonly int Left => _bytes.Length - At;

    /// <summary>The exception that says that the file is corrupt, for the caller to throw.</summary>
    public readonly InputException Corrupt(string what, Exception? inner = null)
        => new($"{path}: corrupt GGUF file: {what}; download or write it again", inner);

    /// <summary>Reads an unsigned 32-bit number.</summary>
    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    /// <summary>Reads an unsigned 64-bit number.</summary>
    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    /// <summary>Reads how many things follow.</summary>
    /// <param name="what">What the number is, for messages.</param>
    /// <param name="leastBytes">The fewest bytes that each of the things takes.</param>
    /// <param name="most">How many there may be at most.</param>
    public int Count(string what, int leastBytes, int most)
    {
        ulong claimed = UInt64(what);
        if (claimed > (ulong)most || (long)claimed * leastBytes > Left)
            throw Corrupt($"{what} is {claimed}, but {Left} bytes are left (the limit is {most}); is the file cut off?");
        return (int)claimed;
    }

    /// <summary>Reads a text of at most a number of bytes.</summary>
    public string Text(string what, int mostBytes)
    {
        int length = Count($"the length of {what}", 1, mostBytes);
        try
        {
            return s_strict.GetString(Take(length, what));
        }
        catch (DecoderFallbackException e)
        {
            throw Corrupt($"{what} is not UTF-8", e);
        }
    }

    /// <summary>Reads a number of bytes.</summary>
    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > Left)
            throw Corrupt($"it ends inside {what}, at byte {_bytes.Length}; is the file cut off?");
        ReadOnlySpan<byte> taken = _bytes.Slice(At, count);
        At += count;
        return taken;
    }
}
