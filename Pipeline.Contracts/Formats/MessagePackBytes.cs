using System.Text;
using MessagePack;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Reads MessagePack from untrusted files: field by field with <see cref="MessagePackReader"/>, so that the data cannot choose a
/// type, recurse or size an allocation, and every failure is one exception type.
/// </summary>
internal static class MessagePackBytes
{
    public delegate T ReadFields<out T>(ref MessagePackReader reader);

    /// <summary>Refuses what is not UTF-8 instead of repairing it: what was written is what is read.</summary>
    public static UTF8Encoding StrictUtf8 { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="InvalidDataException">The bytes end early, have another type, or continue after the value.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> bytes, ReadFields<T> read)
    {
        var reader = new MessagePackReader(bytes);
        try
        {
            T value = read(ref reader);
            Expect(reader.End, "nothing follows the last field");
            return value;
        }
        catch (Exception e) when (IsBadContent(e))
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    /// <summary>Whether a read failed because of what the bytes say. MessagePackReader reads lengths above 2 GiB as negative, hence the range error.</summary>
    public static bool IsBadContent(Exception e) => e is MessagePackSerializationException or EndOfStreamException or OverflowException
        or ArgumentOutOfRangeException or DecoderFallbackException or InvalidDataException;

    public static void Expect(bool condition, string expected)
    {
        if (!condition)
            throw new InvalidDataException($"expected that {expected}");
    }
}
