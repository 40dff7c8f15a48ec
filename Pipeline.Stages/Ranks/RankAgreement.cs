using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Ranks;

/// <summary>Checks what must be the same on all ranks, and lets them wait for each other.</summary>
public static class RankAgreement
{
    /// <summary>Returns as soon as every rank has called it.</summary>
    public static void Wait(this IRanks ranks) => ranks.Any(false);

    /// <summary>The number that rank 0 gives, on all ranks.</summary>
    public static int FromFirst(this IRanks ranks, int value)
    {
        Span<int> shared = [value];
        ranks.Broadcast(0, MemoryMarshal.AsBytes(shared));
        return shared[0];
    }

    /// <summary>Copies the numbers of one rank to all others. Their count is the same everywhere.</summary>
    public static void Share(this IRanks ranks, int from, Span<double> values) => ranks.Broadcast(from, MemoryMarshal.AsBytes(values));

    /// <summary>Checks that all ranks have the same value.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="what">What is compared, for the message.</param>
    /// <param name="value">The value of this rank.</param>
    /// <exception cref="InputException">A rank has another value than rank 0. All ranks throw it, and it names that rank.</exception>
    public static void Agree(this IRanks ranks, string what, string value) => ranks.Agree(what, XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(value)));

    /// <summary>Checks that all ranks have the same hash.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="what">What is compared, for the message.</param>
    /// <param name="hash">The hash of this rank.</param>
    /// <exception cref="InputException">A rank has another hash than rank 0. All ranks throw it, and it names that rank.</exception>
    public static void Agree(this IRanks ranks, string what, ulong hash)
    {
        var hashes = new ulong[ranks.Count];
        for (int rank = 0; rank < ranks.Count; rank++)
        {
            hashes[rank] = hash;
            ranks.Broadcast(rank, MemoryMarshal.AsBytes(hashes.AsSpan(rank, 1)));
        }
        string[] others = [.. Enumerable.Range(1, ranks.Count - 1).Where(r => hashes[r] != hashes[0]).Select(r => $"rank {r} (0x{hashes[r]:x16})")];
        if (others.Length > 0)
        {
            throw new InputException(
                $"the ranks disagree on {what}: {string.Join(", ", others)} differ from rank 0 (0x{hashes[0]:x16}); start all ranks with the same program, definition, files and torch threads");
        }
    }
}
