using System.Numerics;
using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Ranks;

/// <summary>
/// Sums tensors between GPUs. NCCL carries the shares, and torch adds them in the order of the same tree as through the host's memory, so that the
/// bits are the same. NCCL is loaded as <c>libnccl.so.2</c>, or from the path in <c>ALM_NCCL</c>. Where it is not found, sums go through the host.
/// This is written to NCCL's documentation, and has not been run on GPUs yet.
/// </summary>
internal sealed unsafe class NcclSums : IDisposable
{
    private const int IdBytes = 128, Float32 = 7;
    private readonly IRanks _ranks;
    private readonly nint _communicator;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int> _send;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int> _receive;
    private readonly delegate* unmanaged[Cdecl]<int> _begin;
    private readonly delegate* unmanaged[Cdecl]<int> _end;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroy;

    private NcclSums(IRanks ranks, nint library, int card)
    {
        _ranks = ranks;
        _send = (delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int>)NativeLibrary.GetExport(library, "ncclSend");
        _receive = (delegate* unmanaged[Cdecl]<nint, nuint, int, int, nint, nint, int>)NativeLibrary.GetExport(library, "ncclRecv");
        _begin = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "ncclGroupStart");
        _end = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "ncclGroupEnd");
        _destroy = (delegate* unmanaged[Cdecl]<nint, int>)NativeLibrary.GetExport(library, "ncclCommDestroy");
        var unique = (delegate* unmanaged[Cdecl]<UniqueId*, int>)NativeLibrary.GetExport(library, "ncclGetUniqueId");
        var join = (delegate* unmanaged[Cdecl]<nint*, int, UniqueId, int, int>)NativeLibrary.GetExport(library, "ncclCommInitRank");
        UniqueId id;
        if (ranks.Rank == 0)
            Check(unique(&id), "ncclGetUniqueId");
        ranks.Broadcast(0, new Span<byte>(&id, IdBytes));
        UseCard(card);
        nint communicator;
        Check(join(&communicator, ranks.Count, id, ranks.Rank), "ncclCommInitRank");
        _communicator = communicator;
    }

    /// <summary>Joins the ranks through NCCL; null if any rank does not find it. To be called by all ranks, on the thread that uses the GPU.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="card">The number of this rank's GPU.</param>
    /// <exception cref="InputException">NCCL or CUDA reports an error.</exception>
    public static NcclSums? TryCreate(IRanks ranks, int card)
    {
        string? given = Environment.GetEnvironmentVariable("ALM_NCCL");
        bool found = NativeLibrary.TryLoad(string.IsNullOrEmpty(given) ? "libnccl.so.2" : given, out nint library);
        return ranks.Any(!found) ? null : new NcclSums(ranks, library, card);
    }

    /// <summary>Replaces a contiguous float32 tensor on this rank's GPU by its sum over all ranks.</summary>
    public void Sum(Tensor flat)
    {
        int rounds = BitOperations.Log2((uint)_ranks.Count);
        var held = new (long From, long To)[rounds + 1];
        held[0] = (0, flat.numel());
        using Tensor received = empty((flat.numel() / 2) + 1, ScalarType.Float32, flat.device);
        for (int round = 0; round < rounds; round++)
        {
            ((long From, long To) mine, (long From, long To) theirs) = RankSums.Halves(_ranks.Rank, round, held[round]);
            using DisposeScope scope = NewDisposeScope();
            Tensor into = received.narrow(0, 0, mine.To - mine.From);
            Exchange(_ranks.Rank ^ (1 << round), flat.narrow(0, theirs.From, theirs.To - theirs.From), into);
            flat.narrow(0, mine.From, mine.To - mine.From).add_(into);
            held[round + 1] = mine;
        }
        for (int round = rounds - 1; round >= 0; round--)
        {
            ((long From, long To) mine, (long From, long To) theirs) = RankSums.Halves(_ranks.Rank, round, held[round]);
            using DisposeScope scope = NewDisposeScope();
            Exchange(_ranks.Rank ^ (1 << round), flat.narrow(0, mine.From, mine.To - mine.From), flat.narrow(0, theirs.From, theirs.To - theirs.From));
        }
    }

    public void Dispose() => _ = _destroy(_communicator);

    // Stream 0 is torch's own stream. What torch has queued before is done before the transfer, and what it queues next waits for it.
    private void Exchange(int with, Tensor send, Tensor receive)
    {
        Check(_begin(), "ncclGroupStart");
        if (send.numel() > 0)
            Check(_send(TensorAddress.Of(send), (nuint)send.numel(), Float32, with, _communicator, 0), "ncclSend");
        if (receive.numel() > 0)
            Check(_receive(TensorAddress.Of(receive), (nuint)receive.numel(), Float32, with, _communicator, 0), "ncclRecv");
        Check(_end(), "ncclGroupEnd");
    }

    // NCCL uses the thread's current GPU. Torch sets it for a call only, and restores it afterwards.
    private static void UseCard(int card)
    {
        foreach (string name in (string[])["libcudart.so.12", "libcudart.so.13", "libcudart.so.11.0", "libcudart.so"])
        {
            if (!NativeLibrary.TryLoad(name, out nint runtime))
                continue;
            Check(((delegate* unmanaged[Cdecl]<int, int>)NativeLibrary.GetExport(runtime, "cudaSetDevice"))(card), "cudaSetDevice");
            return;
        }
        if (card > 0)
            throw new InputException("NCCL was found but libcudart was not, so this rank cannot tell which GPU is its own; set ALM_NCCL to a file that does not exist to sum through the host's memory");
    }

    private static void Check(int error, string operation)
    {
        if (error != 0)
            throw new InputException($"NCCL: {operation} failed with error {error}; set ALM_NCCL to a file that does not exist to sum through the host's memory");
    }

    [StructLayout(LayoutKind.Sequential, Size = IdBytes)]
    private struct UniqueId
    {
        public long First;
    }
}
