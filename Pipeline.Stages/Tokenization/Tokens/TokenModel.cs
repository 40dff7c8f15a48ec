namespace Pipeline.Stages.Tokenization.Tokens;

/// <summary>The model of a tokenizer.json: what makes ids of the pieces that text was split into. Immutable, shared by all workers.</summary>
internal abstract class TokenModel
{
    /// <param name="tokens">Vocabulary: token to id.</param>
    /// <param name="onBytes">The pieces are text whose UTF-8 bytes represent the characters of the byte alphabet.</param>
    /// <param name="byteFallback">Whether a character without a token becomes the tokens of its bytes.</param>
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

    /// <summary>Entries of the vocabulary, equal ones counted separately: added tokens get the ids after them.</summary>
    public virtual int Count => Tokens.Count;

    public bool OnBytes { get; }

    public bool ByteFallback { get; }

    /// <summary>Per byte the id of its character, or -1.</summary>
    public int[] ByteSymbols { get; } = new int[256];

    /// <summary>Per byte the id of its &lt;0xNN&gt; token, or -1.</summary>
    public int[] FallbackBytes { get; } = new int[256];

    /// <summary>Scratch and cache of one worker.</summary>
    public abstract PieceEncoder CreateEncoder();

    /// <summary>
    /// Cuts a word in the vocabulary's own spelling (the byte alphabet, or characters with the visible space) and appends its ids; a byte that no
    /// token spells is ~byte.
    /// </summary>
    public abstract ITokenCutter CreateCutter();
}

/// <summary>Ids of pieces; holds one worker's scratch and cache.</summary>
internal abstract class PieceEncoder
{
    /// <summary>Appends the ids of one piece of well-formed text.</summary>
    public abstract void Encode(ReadOnlySpan<char> piece, List<int> ids);
}

/// <summary>Ids of a word in the vocabulary's own spelling. One worker's.</summary>
internal interface ITokenCutter
{
    /// <param name="word">Characters of the vocabulary.</param>
    /// <param name="missing">Given a character that the vocabulary lacks, adds an id for each of its bytes.</param>
    /// <param name="ids">Where ids are appended.</param>
    void Cut(string word, Action<string, List<int>> missing, List<int> ids);
}
