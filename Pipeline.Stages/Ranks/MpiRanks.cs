using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Ranks;

/// <summary>The ranks of an MPI job, of Open MPI or MPICH, through <see cref="MpiShim"/>.</summary>
public sealed unsafe class MpiRanks : IRanks
{
    private readonly delegate* unmanaged[Cdecl]<int, byte*, nint, byte*, nint, int> _exchange;
    private readonly delegate* unmanaged[Cdecl]<int, byte*, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<int, void> _abort;
    private readonly delegate* unmanaged[Cdecl]<int> _end;
    private bool _ended;
    private NcclSums? _nccl;
    private bool _hasLooked;

    private MpiRanks(nint library)
    {
        _exchange = (delegate* unmanaged[Cdecl]<int, byte*, nint, byte*, nint, int>)NativeLibrary.GetExport(library, "alm_mpi_exchange");
        _broadcast = (delegate* unmanaged[Cdecl]<int, byte*, nint, int>)NativeLibrary.GetExport(library, "alm_mpi_broadcast");
        _abort = (delegate* unmanaged[Cdecl]<int, void>)NativeLibrary.GetExport(library, "alm_mpi_abort");
        _end = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "alm_mpi_end");
        var start = (delegate* unmanaged[Cdecl]<int*, int*, int*, int>)NativeLibrary.GetExport(library, "alm_mpi_start");
        int rank, count, local;
        int error = start(&rank, &count, &local);
        if (error == -1)
            throw new InputException("this MPI was built without thread support (MPI_THREAD_SERIALIZED), which ranks need; install another");
        Check(error, "start");
        (Rank, Count, LocalRank) = (rank, count, local);
    }

    public int Rank { get; }

    public int Count { get; }

    public int LocalRank { get; }

    /// <summary>
    /// How many ranks were started together with this process, as the launcher's environment variables say; 1 if there was no launcher.
    /// </summary>
    public static int CountIn(Func<string, string?> variable)
    {
        // The variables of Open MPI, then those of MPICH and Intel. A task of srun is a rank only if srun was told to use one of MPI's protocols.
        string? count = variable("OMPI_COMM_WORLD_SIZE") ?? variable("PMI_SIZE") ?? (variable("PMIX_RANK") is null ? null : variable("SLURM_STEP_NUM_TASKS"));
        return int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int ranks) ? Math.Max(ranks, 1) : 1;
    }

    /// <summary>Joins the job that an MPI launcher started. If none did, the process is alone, and no MPI is loaded.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="InputException">There is no MPI, or it does not start.</exception>
    /// <exception cref="DefinitionException">The number of ranks is not a power of two.</exception>
    public static IRanks Join(Func<string, string?> variable)
    {
        if (CountIn(variable) == 1)
            return OneRank.Instance;
        var ranks = new MpiRanks(MpiShim.Load(variable));
        return BitOperations.IsPow2(ranks.Count) ? ranks : throw new DefinitionException($"{ranks.Count} ranks: their number must be a power of two, because sums are computed as a tree");
    }

    /// <summary>Sums between GPUs; null if a rank has no NCCL. To be called on the thread that uses the GPU.</summary>
    internal NcclSums? Nccl(int card)
    {
        if (!_hasLooked)
            _nccl = NcclSums.TryCreate(this, card);
        _hasLooked = true;
        return _nccl;
    }

    public void Exchange(int with, ReadOnlySpan<byte> send, Span<byte> receive)
    {
        fixed (byte* sent = send, received = receive)
            Check(_exchange(with, sent, send.Length, received, receive.Length), "exchange");
    }

    public void Broadcast(int from, Span<byte> data)
    {
        fixed (byte* bytes = data)
            Check(_broadcast(from, bytes, data.Length), "broadcast");
    }

    public void Abort(int exitCode)
    {
        if (_ended)
            Environment.Exit(exitCode);
        _ended = true;
        _abort(exitCode);
    }

    public void Dispose()
    {
        if (_ended)
            return;
        _ended = true;
        _nccl?.Dispose();
        _ = _end();
    }

    private static void Check(int error, string operation)
    {
        if (error != 0)
            throw new InputException($"MPI: {operation} failed with error {error}");
    }
}
