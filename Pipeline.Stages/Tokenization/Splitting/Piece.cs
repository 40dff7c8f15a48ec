namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>A part of a segment that the model encodes on its own. Start and length are in UTF-16 units of the segment.</summary>
internal readonly record struct Piece(int Start, int Length, PieceFlags Flags)
{
    public bool Has(PieceFlags flag) => (Flags & flag) != 0;
}

[Flags]
internal enum PieceFlags : byte
{
    None = 0,

    /// <summary>Its first character is a space, or what stands for one, that was inserted and is not in the text.</summary>
    Dummy = 1,

    /// <summary>It starts where the whole text starts.</summary>
    AtStart = 2,
}
