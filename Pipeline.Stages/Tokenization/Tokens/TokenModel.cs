namespace Pipeline.Stages.Tokenization.Tokens;

/// <summary>
/// The model of a tokenizer.json, which gives the ids of the pieces that text was split into. Immutable and shared by all workers.
/// </summary>
internal abstract class TokenModel
{
    /// <param name="tokens">The vocabulary: from token to id.</param>
    /// <param name="onBytes">Whether the model works on the UTF-8 bytes of its pieces; the vocabulary is then spelt in the byte alphabet.</param>
    /// <param name="byteFallback">Whether a character without a token is replaced by the tokens of its bytes.</param>
    protected TokenModel(Dictionary<string, int> tokens, bool onBytes, bool byteFallback)
    {
        (Tokens, OnBytes, ByteFallback) = (tokens, onBytes, byteFallback);
        for (int b = 0; b < 256; b++)
        {
            ByteSymbols[b] = tokens.GetValueOrDefault(ByteAlphabet.Character((byte)b).ToString(), -1);
            FallbackBytes[b] = tokens.GetValueOrDefault($"<0x{b:X2}>", -1);
        }
    }

    public Dictionary<string, int> Tokens { get; }

    /// <summary>The number of entries of the vocabulary. Equal entries count each, because the ids of added tokens begin after all of them.</summary>
    public virtual int Count => Tokens.Count;

    public bool OnBytes { get; }

    public bool ByteFallback { get; }

    /// <summary>[256] for each byte, the id of its character in the byte alphabet, or -1.</summary>
    public int[] ByteSymbols { get; } = new int[256];

    /// <summary>[256] for each byte, the id of its &lt;0xNN&gt; token, or -1.</summary>
    public int[] FallbackBytes { get; } = new int[256];

    /// <summary>Creates an encoder of pieces for one worker.</summary>
    public abstract PieceEncoder CreateEncoder();

    /// <summary>Creates a cutter for one worker, which takes words in the vocabulary's own spelling.</summary>
    public abstract ITokenCutter CreateCutter();
}

/// <summary>Encodes pieces for one worker, whose buffers and cache it has.</summary>
internal abstract class PieceEncoder
{
    /// <summary>Appends the ids of one piece of well-formed text.</summary>
    public abstract void Encode(ReadOnlySpan<char> piece, List<int> ids);
}

/// <summary>
/// Encodes words in the vocabulary's own spelling, for one worker. That is the byte alphabet, or characters with the visible character for a space.
/// </summary>
internal interface ITokenCutter
{
    /// <param name="word">The word, in characters of the vocabulary.</param>
    /// <param name="missing">Called with each character that the vocabulary lacks; appends what stands for its bytes.</param>
    /// <param name="ids">The list to which the ids are appended.</param>
    void Cut(string word, Action<string, List<int>> missing, List<int> ids);
}
