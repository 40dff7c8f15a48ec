namespace Pipeline.Contracts.Formats;

/// <summary>
/// The integer keys of a record. A block stores its records transposed: column k has the MessagePack values of key k, one after the other, so that
/// similar values are compressed together. A key is never used again for something else.
/// </summary>
internal enum ExampleColumn
{
    Id = 0,
    Text = 1,
    StudentIds = 2,
    StudentLengths = 3,
    StudentUnits = 4,
    StudentMask = 5,
    TeacherIds = 6,
    TeacherLengths = 7,
    TeacherUnits = 8,
    TeacherMask = 9,

    /// <summary>
    /// The high byte of each float16: sign, exponent and two bits of the mantissa. It compresses well and the low byte does not, so they have columns
    /// of their own.
    /// </summary>
    LikelihoodHigh = 10,
    LikelihoodLow = 11,
    BoundaryHigh = 12,
    BoundaryLow = 13,
    Chunks = 14,
    HiddenShape = 15,
    HiddenHigh = 16,
    HiddenLow = 17,

    /// <summary>
    /// From version 2 on: the upper bound on a boundary mass that is not known. The columns of boundary masses then have the lower bound.
    /// </summary>
    BoundaryUpperHigh = 18,
    BoundaryUpperLow = 19,

    /// <summary>
    /// From version 3 on: for each beginning of the text, how many bytes are kept and whether the text may end there. The next columns have these bytes
    /// and the numbers.
    /// </summary>
    NextByteRows = 20,
    NextByteSymbols = 21,
    NextByteHigh = 22,
    NextByteLow = 23,
}

/// <summary>Facts about the columns of a block.</summary>
internal static class ExampleColumns
{
    /// <summary>The bytes of a document's id before compression.</summary>
    public const int IdBytes = sizeof(ulong) + sizeof(long) + sizeof(int);

    /// <summary>The number of columns of a block. Each version has all columns of the versions before it.</summary>
    public static int CountOf(int version) => version switch
    {
        ShardFormat.FirstVersion => 18,
        < ShardFormat.NextBytesVersion => 20,
        _ => 24,
    };

    /// <summary>The part that a column's bytes are counted in.</summary>
    public static ShardPart PartOf(int column) => (ExampleColumn)column switch
    {
        <= ExampleColumn.Text => ShardPart.Text,
        <= ExampleColumn.TeacherMask => ShardPart.Ids,
        <= ExampleColumn.BoundaryLow => ShardPart.Scores,
        ExampleColumn.Chunks => ShardPart.Chunks,
        <= ExampleColumn.HiddenLow => ShardPart.Hidden,
        <= ExampleColumn.BoundaryUpperLow => ShardPart.Scores,
        _ => ShardPart.NextBytes,
    };

    /// <summary>The most bytes that a column may have before compression, given its bytes on disk.</summary>
    public static long MostBytes(int column, long stored) => PartOf(column) == ShardPart.Hidden
        ? Math.Min(ShardFormat.MaxHiddenBytes, (stored + 1024) * ShardFormat.MaxHiddenRatio)
        : ShardFormat.MaxColumnBytes;
}
