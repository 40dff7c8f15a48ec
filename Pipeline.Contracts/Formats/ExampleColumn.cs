namespace Pipeline.Contracts.Formats;

/// <summary>
/// The integer keys of a record. A block holds records transposed: column k is the sequence of the MessagePack values of key k, so that
/// like is compressed with like. A key is never used again for something else.
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

    /// <summary>Sign, exponent and two bits: the part of a float16 that compresses is its high byte.</summary>
    LikelihoodHigh = 10,
    LikelihoodLow = 11,
    BoundaryHigh = 12,
    BoundaryLow = 13,
    Chunks = 14,
    HiddenShape = 15,
    HiddenHigh = 16,
    HiddenLow = 17,

    /// <summary>From version 2 on. The upper bound on a boundary mass that is not known; the columns of masses then hold the lower one.</summary>
    BoundaryUpperHigh = 18,
    BoundaryUpperLow = 19,

    /// <summary>From version 3 on: for each beginning of the text, how many bytes are kept and whether the text may end there; then these bytes, and all numbers.</summary>
    NextByteRows = 20,
    NextByteSymbols = 21,
    NextByteHigh = 22,
    NextByteLow = 23,
}

internal static class ExampleColumns
{
    /// <summary>Bytes of a document's id, as counted before compression.</summary>
    public const int IdBytes = sizeof(ulong) + sizeof(long) + sizeof(int);

    /// <summary>Columns of a block: a version has all columns of earlier versions.</summary>
    public static int CountOf(int version) => version switch
    {
        ShardFormat.FirstVersion => 18,
        < ShardFormat.NextBytesVersion => 20,
        _ => 24,
    };

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

    /// <summary>The most bytes a column may have before compression, given its bytes after.</summary>
    public static long MostBytes(int column, long stored) => PartOf(column) == ShardPart.Hidden
        ? Math.Min(ShardFormat.MaxHiddenBytes, (stored + 1024) * ShardFormat.MaxHiddenRatio)
        : ShardFormat.MaxColumnBytes;
}
