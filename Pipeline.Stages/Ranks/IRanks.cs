namespace Pipeline.Stages.Ranks;

/// <summary>
/// The processes that train one student together, seen from one of them. They exchange bytes. Sums (<see cref="RankSums"/>), agreements and waiting
/// (<see cref="RankAgreement"/>) are built on that. All methods are collective: every rank that a call concerns makes it, in the same order as the
/// others. A rank makes one call at a time, from any thread.
/// </summary>
public interface IRanks : IDisposable
{
    /// <summary>The number of this process, from 0. Only rank 0 writes files.</summary>
    int Rank { get; }

    /// <summary>The number of processes, a power of two.</summary>
    int Count { get; }

    /// <summary>The number of this process among those on the same machine, which selects its GPU.</summary>
    int LocalRank { get; }

    /// <summary>
    /// Sends bytes to another rank, and fills <paramref name="receive"/> with bytes from it. That rank must call it too, with the two lengths
    /// exchanged.
    /// </summary>
    /// <param name="with">The other rank.</param>
    /// <param name="send">What is sent; may be empty.</param>
    /// <param name="receive">Filled; may be empty.</param>
    void Exchange(int with, ReadOnlySpan<byte> send, Span<byte> receive);

    /// <summary>Copies the bytes of one rank to all others.</summary>
    /// <param name="from">The rank that has them.</param>
    /// <param name="data">Read on that rank, and filled on all others. The length is the same everywhere.</param>
    void Broadcast(int from, Span<byte> data);

    /// <summary>Ends the processes of all ranks, including this one.</summary>
    void Abort(int exitCode);
}
