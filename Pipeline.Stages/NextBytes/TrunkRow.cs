using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// The next bytes of one row, from its own tokens alone (<see cref="BytesView.Trunk"/>). The caller computes the distribution after each token, in
/// this process or another, and hands them over one by one. It takes no tensors, and holds one distribution at a time.
/// </summary>
internal sealed class TrunkRow
{
    private readonly ByteVocabulary _vocabulary;
    private readonly TokenSequence _tokens;
    private readonly ScoredRow _row;
    private readonly IReadOnlyList<NodePlace?> _contexts;
    private readonly float[] _weights;

    /// <param name="rows">Makes the rows of the model's tokenizer.</param>
    /// <param name="tokens">The row: tokens with their units and byte ends.</param>
    public TrunkRow(ByteRows rows, TokenSequence tokens)
    {
        (_vocabulary, _tokens, _row) = (rows.Vocabulary, tokens, rows.Row(tokens, BytesView.Trunk));
        _contexts = new TreePass([_row]).Trunk;
        _weights = new float[_vocabulary.Count];
    }

    /// <summary>Adds the distribution after a token. Tokens must come in the order of the row.</summary>
    /// <param name="position">The token's index in the row.</param>
    /// <param name="weights">[V] by token id: numbers proportional to the probabilities of the next token.</param>
    public void Add(int position, ReadOnlySpan<float> weights)
    {
        if (_contexts[position] is not { } context)
            return;
        ReadOnlySpan<int> ids = _vocabulary.Ids;
        for (int place = 0; place < _weights.Length; place++)
            _weights[place] = weights[ids[place]];
        _row.Parts[context.Part].Add(context.Node, _weights, _vocabulary);
    }

    /// <summary>The next bytes that are kept of the row, once every token has been added. The row can be asked only once.</summary>
    public AnsweredBytes Answer(NextBytesAsked asked) => new KeptBytes(asked.MaxKept, asked.KeepShare).Answer(_row, _tokens);
}
