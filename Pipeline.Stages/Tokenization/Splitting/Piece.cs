namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>A part of a segment that the model encodes on its own.</summary>
internal readonly record struct Piece(int Start, int Length, PieceFlags Flags)
{
    public bool Has(PieceFlags flag) => (Flags & flag) != 0;
}

[Flags]
internal enum PieceFlags : byte
{
    None = 0,

    /// <summary>Its first character is a space (or what represents one) that the text does not have.</summary>
    Dummy = 1,

    /// <summary>It starts where the whole text starts.</summary>
    AtStart = 2,
}
