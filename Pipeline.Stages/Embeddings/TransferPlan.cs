namespace Pipeline.Stages.Embeddings;

/// <summary>Where each row of a new embedding matrix comes from, as lists of indices.</summary>
/// <param name="Rows">The number of rows of the new matrix.</param>
/// <param name="SourceRows">The number of rows of the old matrix.</param>
/// <param name="CopyTarget">[A] the rows that are copies.</param>
/// <param name="CopySource">[A] the old rows that they are copies of.</param>
/// <param name="MeanTarget">[B] the rows that are means.</param>
/// <param name="PieceTarget">[P] which of the B means each piece belongs to, in ascending order.</param>
/// <param name="PieceSource">[P] the row of the piece in the old matrix.</param>
/// <param name="RandomTarget">[D] the rows that are drawn at random.</param>
internal sealed record TransferPlan(
    int Rows, int SourceRows, long[] CopyTarget, long[] CopySource, long[] MeanTarget, long[] PieceTarget, long[] PieceSource, long[] RandomTarget);
