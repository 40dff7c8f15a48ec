namespace Pipeline.Stages.Tests.Embeddings;

/// <summary>The letters that stand for bytes in the vocabulary files of byte-level BPE.</summary>
internal static class ByteLetters
{
    private static readonly char[] Letters = Make();
    private static readonly Dictionary<char, byte> Back = Letters.Select((c, b) => (c, b)).ToDictionary(x => x.c, x => (byte)x.b);

    public static char Letter(byte b) => Letters[b];

    public static byte[] Bytes(string letters) => [.. letters.Select(c => Back[c])];

    public static string Text(ReadOnlySpan<byte> bytes) => string.Concat(bytes.ToArray().Select(Letter));

    private static char[] Make()
    {
        var letters = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            letters[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)b : (char)next++;
        return letters;
    }
}
