namespace Pipeline.Stages.Tokenization.Tokens;

/// <summary>
/// The alphabet of byte-level vocabularies: one printable character for each byte. Visible characters of Latin-1 stand for themselves; the other
/// bytes take the characters from U+0100 on, in order (the table that GPT-2 introduced).
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = MakeCharacters();
    private static readonly short[] s_bytes = MakeBytes();

    public static char Character(byte value) => s_characters[value];

    /// <summary>The byte that a character stands for, or -1.</summary>
    public static int Byte(char character) => character < s_bytes.Length ? s_bytes[character] : -1;

    /// <summary>The bytes of a token, or null if one of its characters stands for no byte.</summary>
    public static byte[]? Bytes(string token)
    {
        var bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = Byte(token[i]);
            if (value < 0)
                return null;
            bytes[i] = (byte)value;
        }
        return bytes;
    }

    /// <summary>Spells bytes in the alphabet.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        for (int i = 0; i < characters.Length; i++)
            characters[i] = Character(bytes[i]);
        return new string(characters);
    }

    private static char[] MakeCharacters()
    {
        var characters = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            characters[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        return characters;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[s_characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[s_characters[b]] = (short)b;
        return bytes;
    }
}
