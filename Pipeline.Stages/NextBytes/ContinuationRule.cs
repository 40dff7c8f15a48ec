using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Bpe;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Decides which tokens may follow a sequence of tokens so that it stays canonical, that is, what the tokenizer makes of the beginning of some
/// text. The bytes must stay valid UTF-8, no merge may join the token to the one before it (<see cref="PairRule"/>), and the pre-tokenizer's
/// pattern, if there is one, must leave all tokens whole for some continuation (<see cref="SplitRule"/>). The token must also not complete an
/// added token, which is not part of the masks: ask <see cref="Added"/>. Masks are cached. Not safe for several threads at once.
/// </summary>
internal sealed class ContinuationRule
{
    // Limits of the cache. A mask takes a bit for each token of text, but a mask of a small vocabulary takes more than its bits: hence the limit
    // on their number. When either is reached, the whole cache is dropped.
    private const long MostCacheBytes = 256L << 20;
    private const int MostContexts = 1 << 14;

    private const int NoToken = -1;

    private readonly ByteVocabulary _vocabulary;
    private readonly PairRule _pairs;
    private readonly SplitRule? _splits;
    private readonly TokenMask[] _utf8 = new TokenMask[Utf8State.All.Count];
    private readonly bool[] _isAdded;
    private readonly int[] _fallbackByte;
    private readonly Dictionary<Context, TokenMask> _masks = [];

    // By id, what may follow a token inside one piece. All contexts that end with this token share it.
    private readonly Dictionary<int, ulong[]> _within = [];

    // A piece that is a token is never merged from its characters (ignore_merges).
    private readonly bool _wholeWords;

    public ContinuationRule(ByteVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        TextTokenizer tokenizer = vocabulary.Tokenizer;
        BpeModel model = vocabulary.Model;
        _wholeWords = model.Options.IgnoreMerges;
        _pairs = new PairRule(vocabulary);
        Added = new AddedPrefixes(vocabulary);
        if (tokenizer.Definition.PreTokenizers.Any(step => step is SplitStep or MetaspaceStep { Splits: true }))
            _splits = new SplitRule(vocabulary, new TokenShapes(vocabulary), _pairs);
        HashSet<int> added = [.. tokenizer.Definition.Added.Select(token => token.Id)];
        _isAdded = [.. Enumerable.Range(0, vocabulary.TextCount).Select(place => added.Contains(vocabulary.Ids[place]))];
        _fallbackByte = [.. Enumerable.Range(0, vocabulary.TextCount).Select(place => tokenizer.IsByteFallback(vocabulary.Ids[place]) ? vocabulary.BytesAt(place)[0] : -1)];
        for (int state = 0; state < _utf8.Length; state++)
        {
            ulong[] bits = new ulong[(vocabulary.TextCount + 63) / 64];
            for (int place = 0; place < vocabulary.TextCount; place++)
            {
                if (Utf8State.All[state].TryNext(vocabulary.BytesAt(place), out _))
                    bits[place >> 6] |= 1UL << (place & 63);
            }
            _utf8[state] = new TokenMask(bits, Utf8State.All[state].IsWhole);
        }
    }

    /// <summary>Knows which tokens would complete an added token.</summary>
    public AddedPrefixes Added { get; }

    /// <summary>How many of a context's last tokens <see cref="After"/> needs.</summary>
    public int TailTokens => _splits is null ? 1 : SplitRule.MostTailTokens;

    /// <summary>Whether the token at a place is an added one. The tokenizer encodes the text on either side of it separately.</summary>
    public bool IsAdded(int place) => place >= _isAdded.Length || _isAdded[place];

    /// <summary>What may follow a context.</summary>
    /// <param name="places">Its tokens since the text's start or its last added token; the last <see cref="TailTokens"/> of them are enough.</param>
    /// <param name="state">Where in a character of UTF-8 they end.</param>
    /// <param name="pending">The bytes of that unfinished character.</param>
    public TokenMask After(ReadOnlySpan<int> places, Utf8State state, ReadOnlySpan<byte> pending)
    {
        int last = places.IsEmpty ? NoToken : places[^1];
        Tail? tail = _splits is not null && state.IsWhole ? _splits.TailOf(places) : null;
        int unfinished = 0;
        foreach (byte value in pending)
            unfinished = (unfinished << 8) | value;
        var context = new Context(last, tail?.Number ?? -1, state, unfinished);
        if (_masks.TryGetValue(context, out TokenMask? known))
            return known;
        if (_masks.Count + _within.Count >= Math.Min(MostContexts, 8 * MostCacheBytes / _vocabulary.TextCount))
        {
            // The keys of the cache contain the numbers of tails, which begin again after this.
            _masks.Clear();
            _within.Clear();
            _splits?.Forget();
            return After(places, state, pending);
        }
        return _masks[context] = Make(last, tail, state, pending);
    }

    /// <summary>The cheap part of the rule: the tokens that keep the bytes valid UTF-8, whether or not the tokenizer would make them.</summary>
    public TokenMask AfterBytes(Utf8State state)
    {
        int index = 0;
        while (Utf8State.All[index] != state)
            index++;
        return _utf8[index];
    }

    private TokenMask Make(int last, Tail? tail, Utf8State state, ReadOnlySpan<byte> pending)
    {
        ulong[] valid = AfterBytes(state).Copy();
        ulong[]? within = last == NoToken ? null : Within(_vocabulary.Ids[last]);
        bool whole = state.IsWhole && (tail is null || _splits!.IsWhole(tail));
        for (int place = 0; place < _vocabulary.TextCount; place++)
        {
            if ((valid[place >> 6] >> (place & 63) & 1) != 0 && !Follows(within, tail, place, whole, pending))
                valid[place >> 6] &= ~(1UL << (place & 63));
        }
        return new TokenMask(valid, whole);
    }

    private ulong[] Within(int id)
    {
        if (!_within.TryGetValue(id, out ulong[]? bits))
            _within[id] = bits = _pairs.After(id);
        return bits;
    }

    private bool Follows(ulong[]? within, Tail? tail, int place, bool whole, ReadOnlySpan<byte> pending)
    {
        if (_isAdded[place])
            return whole;
        if (_fallbackByte[place] >= 0 && CompletesKnown(pending, (byte)_fallbackByte[place]))
            return false;
        // Whether the token can begin a piece, and whether it can come next in the piece of the token before it.
        bool alone = _wholeWords || _pairs.IsReachable[_vocabulary.Ids[place]];
        bool follows = within is null ? alone : (within[place >> 6] >> (place & 63) & 1) != 0;
        if (tail is null)
            return follows;
        Joining wanted = (alone ? Joining.Apart : Joining.None) | (follows ? Joining.Within : Joining.None);
        return _splits!.Allows(tail, place, wanted);
    }

    // Byte fallback spells only characters that the vocabulary lacks, so the byte must not complete one that it has.
    private bool CompletesKnown(ReadOnlySpan<byte> pending, byte value)
    {
        Span<byte> character = [.. pending, value];
        if (!default(Utf8State).TryNext(character, out Utf8State state) || !state.IsWhole)
            return false;
        string text = System.Text.Encoding.UTF8.GetString(character);
        if (text == " " && _vocabulary.Tokenizer.Definition.Space is { } space)
            text = space.ToString();
        return _vocabulary.Model.Tokens.ContainsKey(text);
    }

    // All that a mask depends on: the last token, the number of the tail, and the unfinished character.
    private readonly record struct Context(int Last, int Tail, Utf8State State, int Pending);
}
