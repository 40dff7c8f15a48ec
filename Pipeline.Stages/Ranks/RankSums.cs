using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Ranks;

/// <summary>
/// Sums over ranks in the order of a binary tree over their numbers: (0+1)+(2+3), whatever the length and whichever rank does it, so that
/// the bits do not depend on who adds. Each rank first sums its own share of the values, half of what is left in each of log₂ N rounds;
/// then the shares are handed round. 2(1 − 1/N) times the values go over the wire, the least a sum can do with.
/// </summary>
public static class RankSums
{
    // Of one exchange: what is received lies beside what is summed.
    private const int ChunkValues = 1 << 24;

    /// <summary>The sum over all ranks, on all of them.</summary>
    public static void Sum<T>(this IRanks ranks, Span<T> values)
        where T : unmanaged, INumber<T>
    {
        if (ranks.Count == 1)
            return;
        T[] received = new T[(Math.Min(values.Length, ChunkValues) / 2) + 1];
        for (int start = 0; start < values.Length; start += ChunkValues)
            SumChunk(ranks, values[start..Math.Min(values.Length, start + ChunkValues)], received);
    }

    /// <summary>The sum over all ranks of a contiguous float32 tensor, in place. One on a card goes through the host's memory.</summary>
    public static void Sum(this IRanks ranks, Tensor values)
    {
        if (ranks.Count == 1)
            return;
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        Tensor flat = values.view(-1);
        // No span is longer than two thousand million bytes, and a gradient is.
        for (long start = 0; start < flat.numel(); start += ChunkValues)
        {
            using Tensor chunk = flat.narrow(0, start, Math.Min(ChunkValues, flat.numel() - start));
            using Tensor host = chunk.device.type == TorchSharp.DeviceType.CPU ? chunk.alias() : chunk.cpu();
            ranks.Sum(MemoryMarshal.Cast<byte, float>(host.bytes));
            if (chunk.device.type != TorchSharp.DeviceType.CPU)
                chunk.copy_(host);
        }
    }

    /// <summary>Whether any rank says so.</summary>
    public static bool Any(this IRanks ranks, bool here)
    {
        Span<double> count = [here ? 1 : 0];
        ranks.Sum(count);
        return count[0] > 0;
    }

    private static void SumChunk<T>(IRanks ranks, Span<T> values, T[] received)
        where T : unmanaged, INumber<T>
    {
        int rounds = BitOperations.Log2((uint)ranks.Count);
        Span<(int From, int To)> held = stackalloc (int, int)[rounds + 1];
        held[0] = (0, values.Length);
        for (int round = 0; round < rounds; round++)
        {
            ((int, int) mine, (int, int) theirs) = Halves(ranks.Rank, round, held[round]);
            Span<T> into = received.AsSpan(0, mine.Item2 - mine.Item1);
            ranks.Exchange(ranks.Rank ^ (1 << round), MemoryMarshal.AsBytes(values[theirs.Item1..theirs.Item2]), MemoryMarshal.AsBytes(into));
            Add(values[mine.Item1..mine.Item2], into);
            held[round + 1] = mine;
        }
        for (int round = rounds - 1; round >= 0; round--)
        {
            ((int, int) mine, (int, int) theirs) = Halves(ranks.Rank, round, held[round]);
            ranks.Exchange(
                ranks.Rank ^ (1 << round), MemoryMarshal.AsBytes(values[mine.Item1..mine.Item2]), MemoryMarshal.AsBytes(values[theirs.Item1..theirs.Item2]));
        }
    }

    private static ((int From, int To) Mine, (int From, int To) Theirs) Halves(int rank, int round, (int From, int To) range)
    {
        int middle = range.From + ((range.To - range.From) / 2);
        (int, int) lower = (range.From, middle), upper = (middle, range.To);
        return (rank >> round & 1) == 0 ? (lower, upper) : (upper, lower);
    }

    // Addition is commutative to the bit, so that the two partners of a round need not agree whose values come first.
    private static void Add<T>(Span<T> values, ReadOnlySpan<T> more)
        where T : unmanaged, INumber<T>
    {
        Span<Vector<T>> wide = MemoryMarshal.Cast<T, Vector<T>>(values);
        ReadOnlySpan<Vector<T>> wideMore = MemoryMarshal.Cast<T, Vector<T>>(more);
        for (int i = 0; i < wide.Length; i++)
            wide[i] += wideMore[i];
        for (int i = wide.Length * Vector<T>.Count; i < values.Length; i++)
            values[i] += more[i];
    }
}
