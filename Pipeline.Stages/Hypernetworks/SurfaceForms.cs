namespace Pipeline.Stages.Hypernetworks;

/// <summary>
/// What a hypernetwork sees of a vocabulary: each token as the source tokens its bytes are cut into (arXiv 2405.07883, section 3). R rows,
/// S the longest form that is kept.
/// </summary>
/// <param name="Ids">[R · S] source ids; from <paramref name="SourceRows"/> on rows of the extra embeddings, one per byte; <paramref name="Pad"/> after the last.</param>
/// <param name="Length">S.</param>
/// <param name="SourceRows">Rows of the source matrix.</param>
/// <param name="Pad">What follows the last id of a row.</param>
/// <param name="Copied">Row to source row of tokens that both sides have as the same special token: they are copied, not predicted.</param>
/// <param name="Empty">Rows that no token has: nothing is predicted for them.</param>
/// <param name="Truncated">Tokens of more than S pieces, of which the first S are kept.</param>
/// <param name="ExtraPieces">Pieces that are bytes the source tokenizer has no token for.</param>
internal sealed record SurfaceForms(
    long[] Ids, int Length, int SourceRows, int Pad, IReadOnlyDictionary<int, int> Copied, IReadOnlyList<int> Empty, int Truncated, int ExtraPieces)
{
    public int Rows => Ids.Length / Length;

    public ReadOnlySpan<long> this[int row] => Ids.AsSpan(row * Length, Length);
}
