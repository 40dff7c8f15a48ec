namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Where in a character of UTF-8 a run of bytes ends (RFC 3629, section 4). The default value is the end of a whole character.
/// </summary>
/// <param name="Missing">How many bytes are missing until the character is whole.</param>
/// <param name="Low">The lowest value that the next byte may have, where one is missing.</param>
/// <param name="High">The highest value that the next byte may have, where one is missing.</param>
internal readonly record struct Utf8State(byte Missing, byte Low, byte High)
{
    /// <summary>All states. The first is the end of a whole character.</summary>
    public static IReadOnlyList<Utf8State> All { get; } =
    [
        default, new(1, 0x80, 0xBF), new(2, 0xA0, 0xBF), new(2, 0x80, 0xBF), new(2, 0x80, 0x9F), new(3, 0x90, 0xBF), new(3, 0x80, 0xBF), new(3, 0x80, 0x8F),
    ];

    public bool IsWhole => Missing == 0;

    /// <summary>The state after a further byte; false where the byte is not valid UTF-8 here.</summary>
    public bool TryNext(byte value, out Utf8State next)
    {
        if (Missing > 0)
        {
            // Computed before next is set, because a caller may pass this state itself as next.
            bool fits = value >= Low && value <= High;
            next = Missing == 1 ? default : new Utf8State((byte)(Missing - 1), 0x80, 0xBF);
            return fits;
        }
        next = value switch
        {
            < 0x80 => default,
            >= 0xC2 and <= 0xDF => new(1, 0x80, 0xBF),
            0xE0 => new(2, 0xA0, 0xBF),
            0xED => new(2, 0x80, 0x9F),
            >= 0xE1 and <= 0xEF => new(2, 0x80, 0xBF),
            0xF0 => new(3, 0x90, 0xBF),
            >= 0xF1 and <= 0xF3 => new(3, 0x80, 0xBF),
            0xF4 => new(3, 0x80, 0x8F),
            _ => default,
        };
        return value is < 0x80 or (>= 0xC2 and <= 0xF4);
    }

    /// <summary>The state after further bytes; false where they are not valid UTF-8 here.</summary>
    public bool TryNext(ReadOnlySpan<byte> bytes, out Utf8State next)
    {
        next = this;
        foreach (byte value in bytes)
        {
            if (!next.TryNext(value, out next))
                return false;
        }
        return true;
    }
}
