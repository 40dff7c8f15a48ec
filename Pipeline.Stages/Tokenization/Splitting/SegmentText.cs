using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>
/// The text of one segment (what is between two added tokens) on its way through normalizers and pre-tokenizers, with the pieces it
/// has been split into. One per worker; the buffers grow and stay.
/// </summary>
internal sealed class SegmentText
{
    // No form of Unicode and no spelling of bytes makes a text more than a dozen or so times as long; untrusted replacements can, without limit.
    private const long LeastLimit = 1 << 16;
    private const long LargestGrowth = 64;

    private int _loaded;
    private char[] _characters = new char[4096];
    private char[] _spare = new char[4096];
    private int _spareLength;
    private List<Piece> _sparePieces = [];

    public List<Piece> Pieces { get; private set; } = [];

    /// <summary>Whether the segment starts at the first character of the whole text, and nothing was removed before its own first.</summary>
    public bool AtStart { get; set; }

    /// <summary>Characters at the front that are not in the text: a normalizer put them there.</summary>
    public int Dummies { get; set; }

    public int Length { get; private set; }

    public Span<char> Characters => _characters.AsSpan(0, Length);

    public ReadOnlySpan<char> Of(Piece piece) => _characters.AsSpan(piece.Start, piece.Length);

    public void Load(ReadOnlySpan<char> text, bool atStart)
    {
        _loaded = text.Length;
        Reserve(ref _characters, text.Length, 0);
        text.CopyTo(_characters);
        Length = text.Length;
        AtStart = atStart;
        Dummies = 0;
        Pieces.Clear();
    }

    /// <summary>How long a text of this many characters may become.</summary>
    public static long Limit(int characters) => LeastLimit + (LargestGrowth * characters);

    public static InputException TooLong(int characters)
        => new($"a tokenizer makes a text of {characters} characters longer than {Limit(characters)}: its normalizers insert more than any text needs");

    /// <summary>Replaces the whole text; for normalizers.</summary>
    public void Replace(ReadOnlySpan<char> text)
    {
        Reserve(ref _spare, text.Length, 0);
        text.CopyTo(_spare);
        (_characters, _spare) = (_spare, _characters);
        Length = text.Length;
    }

    /// <summary>Makes one piece of a part of the text.</summary>
    public void BeginPieces(int start, int length, bool atStart, bool dummy)
    {
        Pieces.Clear();
        if (length > 0)
            Pieces.Add(new Piece(start, length, (atStart ? PieceFlags.AtStart : 0) | (dummy ? PieceFlags.Dummy : 0)));
    }

    /// <summary>Takes the pieces for one pre-tokenizer to read, leaving an empty list to fill.</summary>
    public List<Piece> TakePieces()
    {
        (Pieces, _sparePieces) = (_sparePieces, Pieces);
        Pieces.Clear();
        return _sparePieces;
    }

    /// <summary>Begins to write the text again, for pre-tokenizers that change it; <see cref="EndRewrite"/> makes it the text.</summary>
    public void BeginRewrite() => _spareLength = 0;

    public int RewriteLength => _spareLength;

    public void Rewrite(char character)
    {
        Reserve(ref _spare, _spareLength + 1, _spareLength);
        _spare[_spareLength++] = character;
    }

    public Span<char> Rewrite(ReadOnlySpan<char> characters)
    {
        Reserve(ref _spare, _spareLength + characters.Length, _spareLength);
        Span<char> written = _spare.AsSpan(_spareLength, characters.Length);
        characters.CopyTo(written);
        _spareLength += characters.Length;
        return written;
    }

    /// <summary>Writes a normalization form of the characters.</summary>
    public void RewriteNormalized(ReadOnlySpan<char> characters, NormalizationForm form)
    {
        characters = MarkOrder.Sort(characters, form);
        // Each try doubles the room; no form makes a text more than eighteen times as long.
        for (int room = characters.Length + 16; ; room *= 2)
        {
            Reserve(ref _spare, _spareLength + room, _spareLength);
            if (characters.TryNormalize(_spare.AsSpan(_spareLength), out int written, form))
            {
                _spareLength += written;
                return;
            }
        }
    }

    public void EndRewrite()
    {
        (_characters, _spare) = (_spare, _characters);
        Length = _spareLength;
    }

    private void Reserve(ref char[] buffer, int length, int keep)
    {
        if (buffer.Length >= length)
            return;
        if (length > Limit(_loaded))
            throw TooLong(_loaded);
        var larger = new char[Math.Max(length, (int)Math.Min(2L * buffer.Length, Array.MaxLength))];
        buffer.AsSpan(0, keep).CopyTo(larger);
        buffer = larger;
    }
}
