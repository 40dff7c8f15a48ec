using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Normalizing;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Splitting;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization;

/// <summary>
/// Encodes text for one worker: the tokenizer's tables are shared, while the buffers and a cache of words belong to the encoder. It must not be used by
/// several threads at once. Once the buffers have grown, encoding ordinary text allocates next to nothing.
/// </summary>
public sealed class TextEncoder
{
    private readonly TextTokenizer _tokenizer;
    private readonly TokenizerDefinition _definition;
    private readonly PieceEncoder _model;
    private readonly SegmentText _segment = new();

    // The length of the text, and how long the rest of its segments may become together, in UTF-16 units.
    private int _textLength;
    private long _roomLeft;

    private readonly SplitScratch _scratch = new();
    private readonly List<AddedSpan> _spans = [];
    private readonly List<AddedSpan> _innerSpans = [];
    private readonly List<int> _dummies = [];
    private readonly List<int> _ids = [];
    private byte[] _utf8 = [];
    private List<int>? _pieceStarts;

    internal TextEncoder(TextTokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _definition = tokenizer.Definition;
        _model = _definition.Model.CreateEncoder();
    }

    /// <summary>
    /// Appends exactly the ids that Hugging Face's tokenizers give for the text. Lone surrogates, which UTF-8 cannot hold, are read as U+FFFD.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether to add the special tokens that the tokenizer's own template puts around a text.</param>
    /// <param name="ids">The list to which the ids are appended.</param>
    /// <exception cref="InputException">The tokenizer cannot be used on this text, for example because it has no token for a character.</exception>
    public void Encode(ReadOnlySpan<char> text, bool addSpecialTokens, List<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (addSpecialTokens)
            AddAll(_definition.Frame.Before, ids);
        Run(WellFormedText.IsWellFormed(text) ? text : WellFormedText.Repair(text), ids, null);
        if (addSpecialTokens)
            AddAll(_definition.Frame.After, ids);
    }

    /// <summary>
    /// The ids of a document, with the byte of its UTF-8 at which each token ends. A space that the tokenizer inserted in front of a segment belongs to
    /// no byte. Where the document contains the text of an added token, that token spells its content like any other text.
    /// </summary>
    /// <param name="wellFormedNfcText">Text as <see cref="WellFormedText.Normalize"/> returns it.</param>
    /// <param name="addBos">Whether to put the bos token in front, as unit <see cref="UnitLabels.Bos"/>, if the tokenizer has one.</param>
    /// <param name="addEos">Whether to put the eos token at the end, as unit <see cref="UnitLabels.Eos"/>, if the tokenizer has one.</param>
    /// <exception cref="ByteViewException">The bytes of the tokens are not the bytes of the text. The document must be rejected.</exception>
    public TokenSequence EncodeDocument(string wellFormedNfcText, bool addBos, bool addEos)
    {
        ArgumentNullException.ThrowIfNull(wellFormedNfcText);
        if (!WellFormedText.IsWellFormed(wellFormedNfcText))
            throw new ByteViewException("the text has half a surrogate pair; make it well-formed first");
        _ids.Clear();
        _dummies.Clear();
        Run(wellFormedNfcText, _ids, _dummies);

        int bos = addBos && _tokenizer.BosId is not null ? 1 : 0;
        int eos = addEos && _tokenizer.EosId is not null ? 1 : 0;
        var ids = new int[bos + _ids.Count + eos];
        var ends = new int[ids.Length];
        CollectionsMarshal.AsSpan(_ids).CopyTo(ids.AsSpan(bos));
        int bytes = FindEnds(wellFormedNfcText, ends.AsSpan(bos, _ids.Count));
        ushort[]? units = null;
        if (bos + eos > 0)
        {
            units = new ushort[ids.Length];
            if (bos > 0)
                (ids[0], units[0]) = (_tokenizer.BosId!.Value, UnitLabels.Bos);
            if (eos > 0)
                (ids[^1], units[^1], ends[^1]) = (_tokenizer.EosId!.Value, UnitLabels.Eos, bytes);
        }
        return new TokenSequence(ids, ends, units);
    }

    /// <summary>Checks the tokens of the last run against the text, and notes the byte at which each ends. Returns the length of the text in bytes.</summary>
    private int FindEnds(string text, Span<int> ends)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (_utf8.Length < most)
            _utf8 = new byte[most];
        ReadOnlySpan<byte> utf8 = _utf8.AsSpan(0, Encoding.UTF8.GetBytes(text, _utf8));
        int at = 0;
        int dummy = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            ReadOnlySpan<byte> view = _tokenizer.ByteView(_ids[i]);
            if (dummy < _dummies.Count && _dummies[dummy] == i)
            {
                dummy++;
                if (view.Length > 0 && view[0] == ' ')
                    view = view[1..];
            }
            if (!utf8[at..].StartsWith(view))
            {
                throw new ByteViewException(
                    $"token {i} '{_tokenizer.TokenOf(_ids[i])}' does not spell the text at byte {at}");
            }
            at += view.Length;
            ends[i] = at;
        }
        if (at != utf8.Length)
            throw new ByteViewException($"the tokens spell {at} bytes, but the text has {utf8.Length}");
        return at;
    }

    /// <summary>The ids of well-formed text, without special tokens around it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="ids">The list to which the ids are appended.</param>
    /// <param name="dummies">If not null, gets the index of each token that begins with a space which the tokenizer inserted.</param>
    /// <param name="pieces">If not null, gets the index of the first token of each piece that the model encodes on its own.</param>
    /// <exception cref="InputException">
    /// The tokenizer cannot be used on this text: a pattern takes too long, its normalizers make the text too long, or it has no token for a character.
    /// </exception>
    internal void Run(ReadOnlySpan<char> text, List<int> ids, List<int>? dummies, List<int>? pieces = null)
    {
        _pieceStarts = pieces;
        // Each segment has a limit of its own, but many short segments together could still make a short text very long.
        (_textLength, _roomLeft) = (text.Length, SegmentText.Limit(text.Length));
        try
        {
            _spans.Clear();
            _definition.Raw.Split(text, _spans);
            foreach (AddedSpan span in _spans)
            {
                if (span.Id >= 0)
                    AddWhole(span.Id, ids);
                else
                    Segment(text[span.Start..span.End], span.Start == 0, ids, dummies);
            }
        }
        catch (PatternException e)
        {
            throw new InputException($"a tokenizer's pattern cannot be used: {e.Message}", e);
        }
    }

    private void Segment(ReadOnlySpan<char> text, bool atStart, List<int> ids, List<int>? dummies)
    {
        SegmentText segment = _segment;
        segment.Load(text, atStart);
        foreach (NormalizerStep step in _definition.Normalizers)
            step.Apply(segment, _scratch);
        if (_definition.Normalized.IsEmpty)
        {
            segment.BeginPieces(0, segment.Length, segment.AtStart, segment.Dummies > 0);
            Pieces(ids, dummies);
            return;
        }

        _innerSpans.Clear();
        _definition.Normalized.Split(segment.Characters, _innerSpans);
        if (_innerSpans is [{ Id: < 0 }])
        {
            segment.BeginPieces(0, segment.Length, segment.AtStart, segment.Dummies > 0);
            Pieces(ids, dummies);
            return;
        }
        // Pre-tokenizers overwrite the buffer, so each part begins with its own copy of the normalized text.
        string normalized = segment.Characters.ToString();
        (bool start, int prefix) = (segment.AtStart, segment.Dummies);
        foreach (AddedSpan span in _innerSpans)
        {
            if (span.Id >= 0)
            {
                AddWhole(span.Id, ids);
                continue;
            }
            segment.Load(normalized.AsSpan(span.Start, span.End - span.Start), false);
            segment.BeginPieces(0, segment.Length, start && span.Start <= prefix, prefix > 0 && span.Start == 0);
            Pieces(ids, dummies);
        }
    }

    private void Pieces(List<int> ids, List<int>? dummies)
    {
        SegmentText segment = _segment;
        foreach (PreTokenizerStep step in _definition.PreTokenizers)
            step.Apply(segment, _scratch);
        if ((_roomLeft -= segment.Length) < 0)
            throw SegmentText.TooLong(_textLength);
        foreach (Piece piece in CollectionsMarshal.AsSpan(segment.Pieces))
        {
            if (piece.Has(PieceFlags.Dummy))
                dummies?.Add(ids.Count);
            _pieceStarts?.Add(ids.Count);
            _model.Encode(segment.Of(piece), ids);
        }
    }

    private void AddWhole(int id, List<int> ids)
    {
        _pieceStarts?.Add(ids.Count);
        ids.Add(id);
    }

    private static void AddAll(IReadOnlyList<int> marks, List<int> ids)
    {
        for (int i = 0; i < marks.Count; i++)
            ids.Add(marks[i]);
    }
}
