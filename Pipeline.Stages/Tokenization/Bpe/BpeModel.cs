using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>What a tokenizer.json says about a BPE model.</summary>
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

    /// <param name="tokens">Vocabulary: token to id.</param>
    /// <param name="merges">Pairs by rank.</param>
    /// <param name="options">The rest of the model.</param>
    /// <param name="onBytes">The pieces are text whose UTF-8 bytes represent the characters of the byte alphabet.</param>
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

    /// <summary>Neither a continuing prefix nor a word suffix.</summary>
    public bool Plain { get; }

    /// <summary>Id of the unknown token, or -1.</summary>
    public int Unknown { get; }

    /// <summary>Where long pieces can be cut without changing the result; null where they cannot.</summary>
    public JoinTable? Joins { get; }

    /// <summary>Id of a one-unit token, or -1.</summary>
    public int Character(char unit) => _characters[unit];

    public override PieceEncoder CreateEncoder() => new BpeEncoder(this);

    public override ITokenCutter CreateCutter() => new BpeCutter(this);
}
