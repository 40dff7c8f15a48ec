using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Next bytes of one row from the distributions after its own tokens, which somebody else computes and hands over one by one: no tensor, and
/// never more than one distribution in memory.
/// </summary>
internal sealed class TrunkRow
{
    private readonly ByteVocabulary _vocabulary;
    private readonly TokenSequence _tokens;
    private readonly ScoredRow _row;
    private readonly IReadOnlyList<NodePlace?> _contexts;
    private readonly float[] _weights;

    /// <param name="rows">Of the tokenizer.</param>
    /// <param name="tokens">The row, with what its tokens stand for.</param>
    public TrunkRow(ByteRows rows, TokenSequence tokens)
    {
        (_vocabulary, _tokens, _row) = (rows.Vocabulary, tokens, rows.Row(tokens, BytesView.Trunk));
        _contexts = new TreePass([_row]).Trunk;
        _weights = new float[_vocabulary.Count];
    }

    /// <summary>Adds what follows a token; tokens come in the row's order.</summary>
    /// <param name="position">Of the token in the row.</param>
    /// <param name="weights">[V] by id, proportional to the probabilities of the token behind it.</param>
    public void Add(int position, ReadOnlySpan<float> weights)
    {
        if (_contexts[position] is not { } context)
            return;
        ReadOnlySpan<int> ids = _vocabulary.Ids;
        for (int place = 0; place < _weights.Length; place++)
            _weights[place] = weights[ids[place]];
        _row.Parts[context.Part].Add(context.Node, _weights, _vocabulary);
    }

    /// <summary>What is kept, when every token was added.</summary>
    public AnsweredBytes Answer(NextBytesAsked asked) => new KeptBytes(asked.MaxKept, asked.KeepShare).Answer(_row, _tokens);
}
