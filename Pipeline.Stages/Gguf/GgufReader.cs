using System.Buffers.Binary;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Gguf;

/// <summary>Walks the bytes of a file's head; every length is checked against what is left before anything is made of it.</summary>
internal ref struct GgufReader(ReadOnlySpan<byte> bytes, string path)
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes read so far.</summary>
    public int At { get; private set; }

    public readonly int Left => _bytes.Length - At;

    public readonly InputException Corrupt(string what, Exception? inner = null)
        => new($"{path}: corrupt GGUF file: {what}; download or write it again", inner);

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    /// <summary>A number of things, each of at least a given number of bytes, all still to come.</summary>
    public int Count(string what, int leastBytes, int most)
    {
        ulong claimed = UInt64(what);
        if (claimed > (ulong)most || (long)claimed * leastBytes > Left)
            throw Corrupt($"{what} is {claimed}, but {Left} bytes are left (the limit is {most}); is the file cut off?");
        return (int)claimed;
    }

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

    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > Left)
            throw Corrupt($"it ends inside {what}, at byte {_bytes.Length}; is the file cut off?");
        ReadOnlySpan<byte> taken = _bytes.Slice(At, count);
        At += count;
        return taken;
    }
}
