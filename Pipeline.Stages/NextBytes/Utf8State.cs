namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Where in a character of UTF-8 a run of bytes ends (RFC 3629, section 4): how many bytes are missing, and between which values the next
/// one lies. The default is the end of a whole character.
/// </summary>
internal readonly record struct Utf8State(byte Missing, byte Low, byte High)
{
    /// <summary>Every state, the whole character first.</summary>
    public static IReadOnlyList<Utf8State> All { get; } =
    [
        default, new(1, 0x80, 0xBF), new(2, 0xA0, 0xBF), new(2, 0x80, 0xBF), new(2, 0x80, 0x9F), new(3, 0x90, 0xBF), new(3, 0x80, 0xBF), new(3, 0x80, 0x8F),
    ];

    public bool IsWhole => Missing == 0;

    /// <summary>False: no text has the byte here.</summary>
    public bool TryNext(byte value, out Utf8State next)
    {
        if (Missing > 0)
        {
            // Asked before next is set: a caller may pass this very state for it.
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
