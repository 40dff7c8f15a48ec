using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Bpe;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A vocabulary sorted by the bytes of its tokens, so that the tokens which begin with given bytes are one range. A place is an index in that
/// order: first the tokens of text, then the tokens that end a text, then all others, which stand for no text.
/// </summary>
internal sealed class ByteVocabulary
{
    /// <summary>The symbol for the end of the text. It comes after the 256 bytes.</summary>
    public const int End = 256;

    /// <summary>How many symbols there are: the 256 bytes and the end.</summary>
    public const int Symbols = 257;

    /// <summary>Why next bytes cannot be computed from this tokenizer's tokens; null where they can.</summary>
    public static string? Fault(TextTokenizer tokenizer) => tokenizer.Definition.Model switch
    {
        BpeModel { Plain: true } => null,
        BpeModel => "next bytes cannot be computed: its continuing_subword_prefix or end_of_word_suffix makes tokens that are not bytes of the text",
        _ => "next bytes can be computed only for BPE tokenizers: a Unigram model has many tokenizations of one text",
    };

    private readonly int[] _ids;
    private readonly int[] _places;
    private readonly byte[] _bytes;
    private readonly int[] _starts;

    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="ends">Ids of the tokens that end a text.</param>
    /// <param name="rows">How many ids the model has. Higher ids of the tokenizer get no place.</param>
    /// <exception cref="InputException">The tokenizer has a <see cref="Fault"/>.</exception>
    public ByteVocabulary(TextTokenizer tokenizer, IReadOnlySet<int> ends, int rows)
    {
        Tokenizer = tokenizer;
        if (Fault(tokenizer) is { } fault)
            throw new InputException(fault);
        Model = (BpeModel)tokenizer.Definition.Model;
        var dummies = new List<int>();
        tokenizer.CreateEncoder().Run("a", [], dummies);
        HasDummy = dummies.Count > 0;
        int count = Math.Min(rows, tokenizer.VocabularySize), unknown = Model.Unknown;
        // A model configuration without an end token has the default of its class, which may be the id of an ordinary byte. That stays text.
        bool IsEnd(int id) => ends.Contains(id) && (tokenizer.IsMark(id) || tokenizer.ByteView(id).Length == 0);
        bool IsText(int id) => !IsEnd(id) && !tokenizer.IsSpecial(id) && id != unknown && tokenizer.ByteView(id).Length > 0;
        int[] text = [.. Enumerable.Range(0, count).Where(IsText)];
        Array.Sort(text, (a, b) => tokenizer.ByteView(a).SequenceCompareTo(tokenizer.ByteView(b)) is var order and not 0 ? order : a.CompareTo(b));
        int[] last = [.. Enumerable.Range(0, count).Where(IsEnd)];
        _ids = [.. text, .. last, .. Enumerable.Range(0, count).Where(id => !IsText(id) && !IsEnd(id))];
        (TextCount, EndCount) = (text.Length, last.Length);
        _places = new int[count];
        for (int place = 0; place < count; place++)
            _places[_ids[place]] = place;

        _starts = new int[TextCount + 1];
        var bytes = new List<byte>(TextCount * 6);
        for (int place = 0; place < TextCount; place++)
        {
            bytes.AddRange(tokenizer.ByteView(text[place]));
            _starts[place + 1] = bytes.Count;
            MaxBytes = Math.Max(MaxBytes, bytes.Count - _starts[place]);
        }
        _bytes = [.. bytes];
        Beginnings = new ByteBeginnings(TextCount, BytesAt);
    }

    public TextTokenizer Tokenizer { get; }

    internal BpeModel Model { get; }

    /// <summary>Whether the tokenizer inserts a space in front of a text (such as SentencePiece's dummy prefix).</summary>
    public bool HasDummy { get; }

    /// <summary>V, the number of places.</summary>
    public int Count => _ids.Length;

    /// <summary>The number of tokens of text. Their places begin at 0.</summary>
    public int TextCount { get; }

    /// <summary>The number of tokens that end a text. Their places follow those of text.</summary>
    public int EndCount { get; }

    /// <summary>The number of bytes in the longest token of text.</summary>
    public int MaxBytes { get; }

    /// <summary>[V] the id of the token at each place.</summary>
    public ReadOnlySpan<int> Ids => _ids;

    /// <summary>The tokens of text as a trie over their bytes.</summary>
    internal ByteBeginnings Beginnings { get; }

    /// <summary>The place of an id; -1 for an id that the model does not have.</summary>
    public int PlaceOf(int id) => (uint)id < (uint)_places.Length ? _places[id] : -1;

    /// <summary>The bytes of the token of text at a place.</summary>
    public ReadOnlySpan<byte> BytesAt(int place) => _bytes.AsSpan(_starts[place].._starts[place + 1]);

    /// <summary>The places of all tokens of text.</summary>
    internal PlaceRange All => new(0, TextCount);

    /// <summary>The part of a range whose tokens have a given byte next.</summary>
    /// <param name="range">Tokens that share their first <paramref name="depth"/> bytes.</param>
    /// <param name="depth">The index of the byte in the tokens.</param>
    /// <param name="value">The byte.</param>
    internal PlaceRange Narrow(PlaceRange range, int depth, byte value)
        => new(Search(range, depth, value), Search(range, depth, value + 1));

    // The first place of the range whose byte at this depth is at least the value. Tokens that end there sort before all others.
    private int Search(PlaceRange range, int depth, int value)
    {
        (int low, int high) = (range.Start, range.End);
        while (low < high)
        {
            int middle = (low + high) >>> 1, at = _starts[middle] + depth;
            if (at >= _starts[middle + 1] || _bytes[at] < value)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}

/// <summary>The places from Start up to but not including End.</summary>
internal readonly record struct PlaceRange(int Start, int End)
{
    public bool IsEmpty => Start >= End;
}
