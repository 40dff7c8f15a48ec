namespace Pipeline.Contracts.Formats;

/// <summary>What the bytes of a shard are spent on.</summary>
public enum ShardPart
{
    /// <summary>Document ids and text.</summary>
    Text,

    /// <summary>Token ids, byte ends, units and masks of both sides.</summary>
    Ids,

    /// <summary>The teacher's two numbers per token.</summary>
    Scores,

    Chunks,

    Hidden,

    /// <summary>The teacher's distributions over the next byte; only in version 3.</summary>
    NextBytes,
}

/// <summary>Bytes of the values before compression, and of what is on disk.</summary>
public readonly record struct PartBytes(long Raw, long Stored)
{
    public static PartBytes operator +(PartBytes a, PartBytes b) => new(a.Raw + b.Raw, a.Stored + b.Stored);
}

/// <summary>Sums over the records of a shard, or of several.</summary>
public sealed record ShardTotals(long Records, long TeacherTokens, long StudentTokens, long Chunks, IReadOnlyList<PartBytes> Parts)
{
    public static int PartCount { get; } = Enum.GetValues<ShardPart>().Length;

    /// <summary>Parts that the footers of a version count.</summary>
    internal static int PartsOf(int version) => version < ShardFormat.NextBytesVersion ? (int)ShardPart.NextBytes : PartCount;

    public static ShardTotals Zero { get; } = new(0, 0, 0, 0, new PartBytes[PartCount]);

    public PartBytes this[ShardPart part] => Parts[(int)part];

    public static ShardTotals operator +(ShardTotals a, ShardTotals b) => new(
        a.Records + b.Records, a.TeacherTokens + b.TeacherTokens, a.StudentTokens + b.StudentTokens, a.Chunks + b.Chunks,
        [.. a.Parts.Zip(b.Parts, (x, y) => x + y)]);
}
