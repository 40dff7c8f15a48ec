namespace Pipeline.Stages.Embeddings;

/// <summary>Where each row of a new embedding matrix comes from, as index lists.</summary>
/// <param name="Rows">Rows of the new matrix.</param>
/// <param name="SourceRows">Rows of the old one.</param>
/// <param name="CopyTarget">[A] rows that are copies.</param>
/// <param name="CopySource">[A] of these rows.</param>
/// <param name="MeanTarget">[B] rows that are means.</param>
/// <param name="PieceTarget">[P] which of the B rows a piece belongs to, ascending.</param>
/// <param name="PieceSource">[P] the piece's row in the old matrix.</param>
/// <param name="RandomTarget">[D] rows that are drawn.</param>
internal sealed record TransferPlan(
    int Rows, int SourceRows, long[] CopyTarget, long[] CopySource, long[] MeanTarget, long[] PieceTarget, long[] PieceSource, long[] RandomTarget);
