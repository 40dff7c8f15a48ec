namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Fast vocabulary transfer (FVT). A token that the old vocabulary has keeps its embedding. Any other token begins as the mean of the pieces that the
/// old tokenizer cuts its bytes into.
/// </summary>
internal static class FvtTransfer
{
    /// <summary>The old tokenizer's ids for a run of bytes, by merges only and without the pre-tokenizer; empty where it has none.</summary>
    public delegate IReadOnlyList<int> Decomposition(ReadOnlySpan<byte> bytes);

    /// <summary>Decides where each row of the new matrix comes from. A token without pieces is drawn at random.</summary>
    /// <param name="source">The old vocabulary.</param>
    /// <param name="sourceRows">The number of rows of the old matrix. Ids from this number on have no embedding.</param>
    /// <param name="target">The new vocabulary.</param>
    /// <param name="targetRows">The number of rows of the new matrix, at least the size of the new vocabulary. Rows beyond it are drawn too.</param>
    /// <param name="roles">For new ids with a role (bos, eos, pad, special tokens of templates), the old id with the same role.</param>
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
