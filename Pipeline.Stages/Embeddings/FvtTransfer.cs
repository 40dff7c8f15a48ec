namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Fast vocabulary transfer: a token that the old vocabulary has keeps its embedding, another one starts as the mean of the pieces
/// the old tokenizer cuts its bytes into.
/// </summary>
internal static class FvtTransfer
{
    /// <summary>The old tokenizer's ids for a run of bytes, merges only, no pre-tokenizer splits; empty when it has none.</summary>
    public delegate IReadOnlyList<int> Decomposition(ReadOnlySpan<byte> bytes);

    /// <param name="source">The old vocabulary.</param>
    /// <param name="sourceRows">Rows of the old matrix: ids at or above it have no embedding.</param>
    /// <param name="target">The new vocabulary.</param>
    /// <param name="targetRows">Rows of the new matrix, at least the new vocabulary; the rest is drawn.</param>
    /// <param name="roles">Target id → source id of tokens that play the same role (bos, eos, pad, special tokens of templates).</param>
    /// <param name="decompose">The old tokenizer.</param>
    public static TransferPlan Plan(
        VocabularyBytes source, int sourceRows, VocabularyBytes target, int targetRows, IReadOnlyDictionary<int, int> roles, Decomposition decompose)
    {
        List<long> copyTarget = [], copySource = [], meanTarget = [], pieceTarget = [], pieceSource = [], random = [];
        for (int id = 0; id < targetRows; id++)
        {
            TokenClass kind = id < target.Count ? target.ClassOf(id) : TokenClass.None;
            int? same = kind == TokenClass.None ? null
                : roles.TryGetValue(id, out int role) && role < sourceRows ? role
                : kind == TokenClass.Mark ? source.MarkId(target[id])
                : source.TextId(target[id]);
            if (same < sourceRows)
            {
                copyTarget.Add(id);
                copySource.Add(same.Value);
                continue;
            }
            int before = pieceSource.Count;
            if (kind != TokenClass.None)
            {
                foreach (int piece in decompose(target[id]))
                {
                    if (piece >= sourceRows)
                        continue;
                    pieceTarget.Add(meanTarget.Count);
                    pieceSource.Add(piece);
                }
            }
            (pieceSource.Count > before ? meanTarget : random).Add(id);
        }
        return new TransferPlan(
            targetRows, sourceRows, [.. copyTarget], [.. copySource], [.. meanTarget], [.. pieceTarget], [.. pieceSource], [.. random]);
    }
}
