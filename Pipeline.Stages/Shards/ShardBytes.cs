using System.IO.Hashing;
using Pipeline.Contracts.Formats;

namespace Pipeline.Stages.Shards;

/// <summary>What writer, reader and verifier must compute in the same way.</summary>
internal static class ShardBytes
{
    /// <param name="bytes">Prelude and header; the hash's own place is left out.</param>
    public static ulong HeaderHash(ReadOnlySpan<byte> bytes)
    {
        var hash = new XxHash3();
        hash.Append(bytes[..16]);
        hash.Append(bytes[ShardFormat.PreludeBytes..]);
        return hash.GetCurrentHashAsUInt64();
    }
}
