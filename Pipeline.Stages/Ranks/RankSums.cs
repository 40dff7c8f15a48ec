using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Ranks;

/// <summary>
/// Sums over ranks, in the order of a binary tree over their numbers: (0+1)+(2+3). The order depends neither on the length nor on which rank adds,
/// and so the bits do not either. Each rank first computes the sum of its own share of the values, which is halved in each of log₂ N rounds (a
/// reduce-scatter). Then the shares are passed on (an all-gather). Each rank sends 2(1 − 1/N) times the values, the least that a sum needs.
/// </summary>
internal static class RankSums
{
    // The values of one exchange. A buffer for half of them is needed next to the values.
    private const int ChunkValues = 1 << 24;

    /// <summary>Replaces the values on every rank by their sum over all ranks.</summary>
    public static void Sum<T>(this IRanks ranks, Span<T> values)
        where T : unmanaged, INumber<T>
    {
        if (ranks.Count == 1)
            return;
        T[] received = new T[(Math.Min(values.Length, ChunkValues) / 2) + 1];
        for (int start = 0; start < values.Length; start += ChunkValues)
            SumChunk(ranks, values[start..Math.Min(values.Length, start + ChunkValues)], received);
    }

    /// <summary>
    /// Replaces a contiguous float32 tensor on every rank by its sum over all ranks. Tensors on a GPU are summed by NCCL if it is there, and
    /// otherwise through the host's memory.
    /// </summary>
    public static void Sum(this IRanks ranks, Tensor values)
    {
        if (ranks.Count == 1)
            return;
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        Tensor flat = values.view(-1);
        if (flat.device.type == TorchSharp.DeviceType.CUDA && (ranks as MpiRanks)?.Nccl(flat.device.index) is { } nccl)
        {
            nccl.Sum(flat);
            return;
        }
        // A span holds at most 2 GiB, and a gradient may be larger.
        for (long start = 0; start < flat.numel(); start += ChunkValues)
        {
            using Tensor chunk = flat.narrow(0, start, Math.Min(ChunkValues, flat.numel() - start));
            using Tensor host = chunk.device.type == TorchSharp.DeviceType.CPU ? chunk.alias() : chunk.cpu().pin_memory();
            ranks.Sum(MemoryMarshal.Cast<byte, float>(host.bytes));
            if (chunk.device.type != TorchSharp.DeviceType.CPU)
                chunk.copy_(host);
        }
    }

    /// <summary>Whether the answer is yes on any rank.</summary>
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
        Span<(long From, long To)> held = stackalloc (long, long)[rounds + 1];
        held[0] = (0, values.Length);
        for (int round = 0; round < rounds; round++)
        {
            ((long From, long To) mine, (long From, long To) theirs) = Halves(ranks.Rank, round, held[round]);
            Span<T> into = received.AsSpan(0, (int)(mine.To - mine.From));
            ranks.Exchange(ranks.Rank ^ (1 << round), Bytes(values, theirs), MemoryMarshal.AsBytes(into));
            Add(values[(int)mine.From..(int)mine.To], into);
            held[round + 1] = mine;
        }
        for (int round = rounds - 1; round >= 0; round--)
        {
            ((long From, long To) mine, (long From, long To) theirs) = Halves(ranks.Rank, round, held[round]);
            ranks.Exchange(ranks.Rank ^ (1 << round), Bytes(values, mine), Bytes(values, theirs));
        }
    }

    private static Span<byte> Bytes<T>(Span<T> values, (long From, long To) range)
        where T : unmanaged
        => MemoryMarshal.AsBytes(values[(int)range.From..(int)range.To]);

    /// <summary>The half of a range that a rank goes on with after a round, and the half that its partner goes on with.</summary>
    internal static ((long From, long To) Mine, (long From, long To) Theirs) Halves(int rank, int round, (long From, long To) range)
    {
        long middle = range.From + ((range.To - range.From) / 2);
        (long, long) lower = (range.From, middle), upper = (middle, range.To);
        return (rank >> round & 1) == 0 ? (lower, upper) : (upper, lower);
    }

    // Addition of two numbers is commutative to the bit, so the two partners of a round need not agree on whose values come first.
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
