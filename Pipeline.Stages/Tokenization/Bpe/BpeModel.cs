using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>What a tokenizer.json says about a BPE model besides its vocabulary and merges.</summary>
internal sealed record BpeOptions(
    string? UnknownToken,
    string? ContinuingPrefix,
    string? WordSuffix,
    bool FuseUnknown,
    bool ByteFallback,
    bool IgnoreMerges);

/// <summary>The tables of a byte-pair-encoding model, shared by all workers.</summary>
internal sealed class BpeModel : TokenModel
{
    private readonly int[] _characters = new int[0x10000];

    /// <param name="tokens">The vocabulary: from token to id.</param>
    /// <param name="merges">The pairs that merge, with their ranks.</param>
    /// <param name="options">What else the file says about the model.</param>
    /// <param name="onBytes">Whether the model works on the UTF-8 bytes of its pieces; the vocabulary is then spelt in the byte alphabet.</param>
    public BpeModel(Dictionary<string, int> tokens, MergeTable merges, BpeOptions options, bool onBytes)
        : base(tokens, onBytes, options.ByteFallback)
    {
        Merges = merges;
        Options = options;
        Unknown = options.UnknownToken is null ? -1 : tokens[options.UnknownToken];
        Array.Fill(_characters, -1);
        foreach ((string token, int id) in tokens)
        {
            if (token.Length == 1)
                _characters[token[0]] = id;
        }
        Plain = string.IsNullOrEmpty(options.ContinuingPrefix) && string.IsNullOrEmpty(options.WordSuffix);
        if (!onBytes && Plain && !options.IgnoreMerges)
            Joins = new JoinTable(tokens.Keys);
    }

    public MergeTable Merges { get; }

    public BpeOptions Options { get; }

    /// <summary>Whether there is neither a continuing prefix nor a word suffix.</summary>
    public bool Plain { get; }

    /// <summary>The id of the unknown token, or -1.</summary>
    public int Unknown { get; }

    /// <summary>Where long pieces may be cut without changing the result. Null if they may not.</summary>
    public JoinTable? Joins { get; }

    /// <summary>The id of a token of one UTF-16 unit, or -1.</summary>
    public int Character(char unit) => _characters[unit];

    public override PieceEncoder CreateEncoder() => new BpeEncoder(this);

    public override ITokenCutter CreateCutter() => new BpeCutter(this);
}
