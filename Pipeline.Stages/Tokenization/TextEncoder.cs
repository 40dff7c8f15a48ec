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
/// One worker's encoder: scratch and a cache of words over a tokenizer's shared tables. Not safe for several threads at once. Once its
/// buffers have grown, encoding allocates nothing.
/// </summary>
public sealed class TextEncoder
{
    private readonly TextTokenizer _tokenizer;
    private readonly TokenizerDefinition _definition;
    private readonly PieceEncoder _model;
    private readonly SegmentText _segment = new();
    private int _characters;
    private long _room;
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
    /// Appends exactly the ids Hugging Face's crate gives for the text. Lone surrogates, which no UTF-8 can hold, count as U+FFFD.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's own template adds its special tokens.</param>
    /// <param name="ids">Where the ids are appended.</param>
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
    /// The ids of a document with the end of each token in its UTF-8. Spaces that the tokenizer put in front of a segment belong to no
    /// byte. The text of an added token inside the document is text: its bytes are its content's.
    /// </summary>
    /// <param name="wellFormedNfcText">As <see cref="WellFormedText.Normalize"/> makes it.</param>
    /// <param name="addBos">Puts the bos token in front, as unit <see cref="UnitLabels.Bos"/>, where the tokenizer has one.</param>
    /// <param name="addEos">Puts the eos token at the end, as unit <see cref="UnitLabels.Eos"/>, where the tokenizer has one.</param>
    /// <exception cref="ByteViewException">The tokens' bytes are not the text's: the document is to be rejected.</exception>
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

    /// <summary>Checks the tokens of the last run against the text and notes where each ends; returns the length of the text in bytes.</summary>
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

    /// <summary>
    /// Ids of well-formed text, without special tokens around it; notes the indexes of tokens that begin with a space the text does not have, and those
    /// at which a piece begins that the model encodes by itself.
    /// </summary>
    internal void Run(ReadOnlySpan<char> text, List<int> ids, List<int>? dummies, List<int>? pieces = null)
    {
        _pieceStarts = pieces;
        // Each segment has its own limit; many short ones could still make a long text of a short one.
        (_characters, _room) = (text.Length, SegmentText.Limit(text.Length));
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
        // Pre-tokenizers rewrite the buffer, so each part starts from a copy of its own.
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
        if ((_room -= segment.Length) < 0)
            throw SegmentText.TooLong(_characters);
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
