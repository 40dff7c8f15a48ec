namespace Pipeline.Contracts.Formats;

/// <summary>What the bytes of a shard are spent on.</summary>
public enum ShardPart
{
    /// <summary>Document ids and text.</summary>
    Text,

    /// <summary>Token ids, byte ends, units and loss masks of both sides. The heads of blocks are counted here too.</summary>
    Ids,

    /// <summary>The teacher's two numbers for each token.</summary>
    Scores,

    Chunks,

    Hidden,

    /// <summary>The teacher's distributions over the next byte; only from version 3 on.</summary>
    NextBytes,
}

/// <summary>The size of one part.</summary>
/// <param name="Raw">Bytes of the values before compression.</param>
/// <param name="Stored">Bytes on disk.</param>
public readonly record struct PartBytes(long Raw, long Stored)
{
    public static PartBytes operator +(PartBytes a, PartBytes b) => new(a.Raw + b.Raw, a.Stored + b.Stored);
}

/// <summary>Sums over the records of a shard, or of several.</summary>
/// <param name="Records">The number of records.</param>
/// <param name="TeacherTokens">The number of the teacher's tokens.</param>
/// <param name="StudentTokens">The number of the student's tokens.</param>
/// <param name="Chunks">The number of chunks.</param>
/// <param name="Parts">The size of each <see cref="ShardPart"/>, in the order of that enumeration.</param>
public sealed record ShardTotals(long Records, long TeacherTokens, long StudentTokens, long Chunks, IReadOnlyList<PartBytes> Parts)
{
    public static int PartCount { get; } = Enum.GetValues<ShardPart>().Length;

    /// <summary>The number of parts that footers of a version count.</summary>
    internal static int PartsOf(int version) => version < ShardFormat.NextBytesVersion ? (int)ShardPart.NextBytes : PartCount;

    public static ShardTotals Zero { get; } = new(0, 0, 0, 0, new PartBytes[PartCount]);

    public PartBytes this[ShardPart part] => Parts[(int)part];

    public static ShardTotals operator +(ShardTotals a, ShardTotals b) => new(
        a.Records + b.Records, a.TeacherTokens + b.TeacherTokens, a.StudentTokens + b.StudentTokens, a.Chunks + b.Chunks,
        [.. a.Parts.Zip(b.Parts, (x, y) => x + y)]);
}
