using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>Texts and rows of tokens with their contexts: all that next bytes need of a tokenizer, and nothing of a model. For one thread at a time.</summary>
internal sealed class ByteRows(ByteVocabulary vocabulary)
{
    private readonly ContinuationRule _rule = new(vocabulary);
    private readonly SumsPool _pool = new();

    public ByteVocabulary Vocabulary => vocabulary;

    public TextEncoder Encoder { get; } = vocabulary.Tokenizer.CreateEncoder();

    /// <summary>The contexts of a text.</summary>
    public ByteTree Tree(ByteText text, BytesView view) => ByteTree.Of(text, vocabulary, _rule, Encoder, view);

    /// <summary>A text none of whose contexts is known yet.</summary>
    public ScoredBytes Text(ByteText text, BytesView view, int root = 0, int from = 0) => new(text, Tree(text, view), _pool, root, from);

    /// <summary>A row with the runs of text in it, none of whose contexts is known yet.</summary>
    public ScoredRow Row(TokenSequence tokens, BytesView view)
        => new(tokens.Ids, [.. ByteSegment.Of(tokens, vocabulary).Select(s => Text(s.Text, view, s.Root, s.From))]);
}
