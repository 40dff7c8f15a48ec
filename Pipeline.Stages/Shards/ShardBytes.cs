using System.IO.Hashing;
using Pipeline.Contracts.Formats;

namespace Pipeline.Stages.Shards;

/// <summary>What the writer, the reader and the verifier of shards must compute in the same way.</summary>
internal static class ShardBytes
{
    /// <summary>The hash of a shard's prelude and header.</summary>
    /// <param name="bytes">The prelude and the header. The place of the hash itself is left out.</param>
    public static ulong HeaderHash(ReadOnlySpan<byte> bytes)
    {
        var hash = new XxHash3();
        hash.Append(bytes[..16]);
        hash.Append(bytes[ShardFormat.PreludeBytes..]);
        return hash.GetCurrentHashAsUInt64();
    }
}
