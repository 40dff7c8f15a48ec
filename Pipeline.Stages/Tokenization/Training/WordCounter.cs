using System.Runtime.InteropServices;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Normalizing;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Training;

/// <summary>
/// Counts how often each word occurs, where words are what the tokenizer in training will split text into. Memory grows with the distinct words only.
/// </summary>
internal sealed class WordCounter(TokenizerDefinition definition)
{
    /// <summary>
    /// Longer words, in UTF-16 units, are counted and left out. They are base64 and other noise, teach nothing, and would cost unbounded time.
    /// </summary>
    public const int MaxWord = 256;

    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly SegmentText _segment = new();
    private readonly SplitScratch _scratch = new();
    private readonly List<AddedSpan> _spans = [];

    public IReadOnlyDictionary<string, long> Counts => _counts;

    public long Words { get; private set; }

    public long LongWords { get; private set; }

    public void Add(string text)
    {
        var lookup = _counts.GetAlternateLookup<ReadOnlySpan<char>>();
        _spans.Clear();
        definition.Raw.Split(text, _spans);
        foreach (AddedSpan span in _spans)
        {
            if (span.Id >= 0)
                continue;
            _segment.Load(text.AsSpan(span.Start, span.End - span.Start), span.Start == 0);
            foreach (NormalizerStep step in definition.Normalizers)
                step.Apply(_segment, _scratch);
            _segment.BeginPieces(0, _segment.Length, false, false);
            foreach (PreTokenizerStep step in definition.PreTokenizers)
                step.Apply(_segment, _scratch);
            foreach (Piece piece in _segment.Pieces)
            {
                Words++;
                if (piece.Length > MaxWord)
                    LongWords++;
                else
                    CollectionsMarshal.GetValueRefOrAddDefault(lookup, _segment.Of(piece), out _)++;
            }
        }
    }
}
