using System.Text;
using MessagePack;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Reads MessagePack from untrusted files, field by field with <see cref="MessagePackReader"/>. The data can then neither choose a type nor recurse nor
/// decide how much is allocated, and every failure is one type of exception.
/// </summary>
internal static class MessagePackBytes
{
    public delegate T ReadFields<out T>(ref MessagePackReader reader);

    /// <summary>UTF-8 that refuses invalid bytes instead of replacing them, so that what is read is what was written.</summary>
    public static UTF8Encoding StrictUtf8 { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a value that fills all of the bytes.</summary>
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

    /// <summary>
    /// Whether reading failed because of what the bytes say. The range error is one of these because <see cref="MessagePackReader"/> takes lengths
    /// above 2 GiB for negative ones.
    /// </summary>
    public static bool IsBadContent(Exception e) => e is MessagePackSerializationException or EndOfStreamException or OverflowException
        or ArgumentOutOfRangeException or DecoderFallbackException or InvalidDataException;

    /// <summary>Checks something that the format promises.</summary>
    /// <exception cref="InvalidDataException">It does not hold.</exception>
    public static void Expect(bool condition, string expected)
    {
        if (!condition)
            throw new InvalidDataException($"expected that {expected}");
    }
}
