namespace Pipeline.Stages.Ranks;

/// <summary>
/// Processes that train one student together, seen from one of them. What they exchange is bytes; sums, agreements and waiting are made of
/// that (<see cref="RankSums"/>, <see cref="RankAgreement"/>). Every method is collective: all ranks it concerns call it, in the same order,
/// and one at a time, from whichever thread.
/// </summary>
public interface IRanks : IDisposable
{
    /// <summary>From 0. Rank 0 alone writes.</summary>
    int Rank { get; }

    /// <summary>A power of two.</summary>
    int Count { get; }

    /// <summary>Number among the ranks of this machine, which selects its GPU.</summary>
    int LocalRank { get; }

    /// <summary>Sends bytes to another rank and receives as many as fit from it.</summary>
    void Exchange(int with, ReadOnlySpan<byte> send, Span<byte> receive);

    /// <summary>Gives everybody the bytes of one rank.</summary>
    void Broadcast(int from, Span<byte> data);

    /// <summary>Ends the processes of all ranks, this one included.</summary>
    void Abort(int exitCode);
}
