using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>Makes texts and rows with their contexts: everything that next bytes need of a tokenizer, without a model. For one thread at a time.</summary>
internal sealed class ByteRows(ByteVocabulary vocabulary)
{
    private readonly ContinuationRule _rule = new(vocabulary);
    private readonly SumsPool _pool = new();

    public ByteVocabulary Vocabulary => vocabulary;

    public TextEncoder Encoder { get; } = vocabulary.Tokenizer.CreateEncoder();

    /// <summary>The tree of a text's contexts.</summary>
    public ByteTree Tree(ByteText text, BytesView view) => ByteTree.Of(text, vocabulary, _rule, Encoder, view);

    /// <summary>A text whose contexts are still to be computed; for the parameters see <see cref="ScoredBytes"/>.</summary>
    public ScoredBytes Text(ByteText text, BytesView view, int root = 0, int from = 0) => new(text, Tree(text, view), _pool, root, from);

    /// <summary>A row with its runs of text, whose contexts are still to be computed.</summary>
    public ScoredRow Row(TokenSequence tokens, BytesView view)
        => new(tokens.Ids, [.. ByteSegment.Of(tokens, vocabulary).Select(s => Text(s.Text, view, s.Root, s.From))]);
}
