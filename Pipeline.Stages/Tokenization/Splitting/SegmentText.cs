using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>
/// The text of one segment, that is, of the text between two added tokens, on its way through normalizers and pre-tokenizers, with the pieces that it
/// has been split into. Each worker has one, whose buffers are used again.
/// </summary>
internal sealed class SegmentText
{
    // No Unicode form and no spelling of bytes makes a text more than about eighteen times as long. Replacements of an untrusted file could, without limit.
    private const long LeastLimit = 1 << 16;
    private const long LargestGrowth = 64;

    // The length of the segment when it was loaded, on which the limit depends.
    private int _loadedLength;
    private char[] _characters = new char[4096];
    private char[] _spare = new char[4096];
    private int _spareLength;
    private List<Piece> _sparePieces = [];

    public List<Piece> Pieces { get; private set; } = [];

    /// <summary>Whether the segment starts with the first character of the whole text, and no normalizer has removed anything in front of it.</summary>
    public bool AtStart { get; set; }

    /// <summary>The number of characters at the front that a normalizer inserted and that are not in the text.</summary>
    public int Dummies { get; set; }

    public int Length { get; private set; }

    public Span<char> Characters => _characters.AsSpan(0, Length);

    public ReadOnlySpan<char> Of(Piece piece) => _characters.AsSpan(piece.Start, piece.Length);

    /// <summary>Begins a new segment.</summary>
    public void Load(ReadOnlySpan<char> text, bool atStart)
    {
        _loadedLength = text.Length;
        Reserve(ref _characters, text.Length, 0);
        text.CopyTo(_characters);
        Length = text.Length;
        AtStart = atStart;
        Dummies = 0;
        Pieces.Clear();
    }

    /// <summary>How long a text of so many characters may become, in characters.</summary>
    public static long Limit(int characters) => LeastLimit + (LargestGrowth * characters);

    public static InputException TooLong(int characters)
        => new($"a tokenizer makes a text of {characters} characters longer than {Limit(characters)}: its normalizers insert more than any text needs");

    /// <summary>Replaces the whole text. Normalizers use this.</summary>
    public void Replace(ReadOnlySpan<char> text)
    {
        Reserve(ref _spare, text.Length, 0);
        text.CopyTo(_spare);
        (_characters, _spare) = (_spare, _characters);
        Length = text.Length;
    }

    /// <summary>Forgets the pieces and makes a part of the text the only one.</summary>
    public void BeginPieces(int start, int length, bool atStart, bool dummy)
    {
        Pieces.Clear();
        if (length > 0)
            Pieces.Add(new Piece(start, length, (atStart ? PieceFlags.AtStart : 0) | (dummy ? PieceFlags.Dummy : 0)));
    }

    /// <summary>Takes the pieces for a pre-tokenizer to read, and leaves an empty list for it to fill.</summary>
    public List<Piece> TakePieces()
    {
        (Pieces, _sparePieces) = (_sparePieces, Pieces);
        Pieces.Clear();
        return _sparePieces;
    }

    /// <summary>Begins to write a new text next to the old one. After <see cref="EndRewrite"/> it replaces the old one.</summary>
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

    /// <summary>Writes the characters in a normalization form.</summary>
    public void RewriteNormalized(ReadOnlySpan<char> characters, NormalizationForm form)
    {
        characters = MarkOrder.Sort(characters, form);
        // Each try doubles the room. No form makes a text more than eighteen times as long.
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
        if (length > Limit(_loadedLength))
            throw TooLong(_loadedLength);
        var larger = new char[Math.Max(length, (int)Math.Min(2L * buffer.Length, Array.MaxLength))];
        buffer.AsSpan(0, keep).CopyTo(larger);
        buffer = larger;
    }
}
