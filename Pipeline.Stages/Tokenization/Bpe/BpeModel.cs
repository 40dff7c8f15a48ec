namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>What a tokenizer.json says of a BPE model.</summary>
internal sealed record BpeOptions(
    string? UnknownToken,
    string? ContinuingPrefix,
    string? WordSuffix,
    bool FuseUnknown,
    bool ByteFallback,
    bool IgnoreMerges);

/// <summary>The tables of a byte-pair-encoding model, shared by all workers.</summary>
internal sealed class BpeModel
{
    private readonly int[] _characters = new int[0x10000];

    /// <param name="tokens">Vocabulary: token to id.</param>
    /// <param name="merges">Pairs by rank.</param>
    /// <param name="options">The rest of the model.</param>
    /// <param name="onBytes">The pieces are text whose UTF-8 bytes stand for the characters of the byte alphabet.</param>
    public BpeModel(Dictionary<string, int> tokens, MergeTable merges, BpeOptions options, bool onBytes)
    {
        Tokens = tokens;
        Merges = merges;
        Options = options;
        OnBytes = onBytes;
        Unknown = options.UnknownToken is null ? -1 : tokens[options.UnknownToken];
        Array.Fill(_characters, -1);
        foreach ((string token, int id) in tokens)
        {
            if (token.Length == 1)
                _characters[token[0]] = id;
        }
        FallbackBytes = MakeFallback(tokens);
        for (int b = 0; b < 256; b++)
            ByteSymbols[b] = _characters[ByteAlphabet.Character((byte)b)];
        Plain = string.IsNullOrEmpty(options.ContinuingPrefix) && string.IsNullOrEmpty(options.WordSuffix);
        if (!onBytes && Plain && !options.IgnoreMerges)
            Joins = new JoinTable(tokens.Keys);
    }

    public Dictionary<string, int> Tokens { get; }

    public MergeTable Merges { get; }

    public BpeOptions Options { get; }

    public bool OnBytes { get; }

    /// <summary>Neither a continuing prefix nor a word suffix.</summary>
    public bool Plain { get; }

    /// <summary>Id of the unknown token, or -1.</summary>
    public int Unknown { get; }

    /// <summary>Per byte the id of its character, or -1.</summary>
    public int[] ByteSymbols { get; } = new int[256];

    /// <summary>Per byte the id of its &lt;0xNN&gt; token, or -1.</summary>
    public int[] FallbackBytes { get; }

    /// <summary>Where long pieces can be cut without changing the result; null where they cannot.</summary>
    public JoinTable? Joins { get; }

    /// <summary>Id of a one-unit token, or -1.</summary>
    public int Character(char unit) => _characters[unit];

    private static int[] MakeFallback(Dictionary<string, int> tokens)
    {
        var ids = new int[256];
        for (int b = 0; b < 256; b++)
            ids[b] = tokens.GetValueOrDefault($"<0x{b:X2}>", -1);
        return ids;
    }
}
