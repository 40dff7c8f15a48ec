using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Bpe;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A vocabulary in the order of its tokens' bytes, so that the tokens that begin with given bytes are one range. A place is an index of
/// that order: first the tokens of text, then those that end a text, then all that stand for no text.
/// </summary>
internal sealed class ByteVocabulary
{
    /// <summary>The symbol that stands for the end of the text, behind the 256 bytes.</summary>
    public const int End = 256;

    /// <summary>The bytes and the end.</summary>
    public const int Symbols = 257;

    /// <summary>Why next bytes cannot be computed from a tokenizer's tokens; null: they can.</summary>
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

    /// <param name="tokenizer">Whose tokens.</param>
    /// <param name="ends">Ids that end a text.</param>
    /// <param name="rows">Ids from here on are none of the model's.</param>
    /// <exception cref="InputException">See <see cref="Fault"/>.</exception>
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
        // A configuration that says nothing has its class's default, which may be the id of a plain byte: that stays text.
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

    /// <summary>Whether the tokenizer puts a space in front of a text.</summary>
    public bool HasDummy { get; }

    /// <summary>Places.</summary>
    public int Count => _ids.Length;

    /// <summary>Places from 0 that are text.</summary>
    public int TextCount { get; }

    /// <summary>Places behind the text's that end it.</summary>
    public int EndCount { get; }

    /// <summary>Of the longest token of text.</summary>
    public int MaxBytes { get; }

    /// <summary>Per place its id.</summary>
    public ReadOnlySpan<int> Ids => _ids;

    /// <summary>How its tokens of text begin and go on.</summary>
    internal ByteBeginnings Beginnings { get; }

    /// <summary>The place of an id; -1 for an id that is none of the model's.</summary>
    public int PlaceOf(int id) => (uint)id < (uint)_places.Length ? _places[id] : -1;

    /// <summary>Bytes of a token of text.</summary>
    public ReadOnlySpan<byte> BytesAt(int place) => _bytes.AsSpan(_starts[place].._starts[place + 1]);

    /// <summary>All places of text.</summary>
    internal PlaceRange All => new(0, TextCount);

    /// <summary>Of a range of tokens that share their first <paramref name="depth"/> bytes, those that go on with <paramref name="value"/>.</summary>
    internal PlaceRange Narrow(PlaceRange range, int depth, byte value)
        => new(Search(range, depth, value), Search(range, depth, value + 1));

    // The first place of the range whose byte at the depth is not below the value; a token that is over there is below all.
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

/// <summary>Places Start up to, not with, End.</summary>
internal readonly record struct PlaceRange(int Start, int End)
{
    public bool IsEmpty => Start >= End;
}
