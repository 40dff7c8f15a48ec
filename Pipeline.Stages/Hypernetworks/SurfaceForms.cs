namespace Pipeline.Stages.Hypernetworks;

/// <summary>
/// A vocabulary as a hypernetwork sees it: each token is the source tokens that its bytes are cut into (arXiv 2405.07883, section 3). R rows, S
/// pieces at most.
/// </summary>
/// <param name="Ids">
/// [R · S] source ids. Ids from <paramref name="SourceRows"/> on are rows of the extra embeddings, one for each byte. <paramref name="Pad"/> follows
/// the last piece of a row.
/// </param>
/// <param name="Length">S.</param>
/// <param name="SourceRows">The number of rows of the source matrix.</param>
/// <param name="Pad">The id that follows the last piece of a row.</param>
/// <param name="Copied">For rows of special tokens that both sides have, the source row. These are copied and not predicted.</param>
/// <param name="Empty">Rows of ids without a token, for which nothing is predicted.</param>
/// <param name="Truncated">How many tokens have more than S pieces, of which only the first S are kept.</param>
/// <param name="ExtraPieces">How many pieces are bytes that the source tokenizer has no token for.</param>
internal sealed record SurfaceForms(
    long[] Ids, int Length, int SourceRows, int Pad, IReadOnlyDictionary<int, int> Copied, IReadOnlyList<int> Empty, int Truncated, int ExtraPieces)
{
    public int Rows => Ids.Length / Length;

    public ReadOnlySpan<long> this[int row] => Ids.AsSpan(row * Length, Length);
}
