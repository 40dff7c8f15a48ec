namespace Pipeline.Stages.Ranks;

/// <summary>A process that trains alone. No MPI is loaded for it.</summary>
public sealed class OneRank : IRanks
{
    public static OneRank Instance { get; } = new();

    public int Rank => 0;

    public int Count => 1;

    public int LocalRank => 0;

    public void Exchange(int with, ReadOnlySpan<byte> send, Span<byte> receive) => throw new InvalidOperationException("there is no other rank");

    public void Broadcast(int from, Span<byte> data)
    {
    }

    public void Abort(int exitCode) => Environment.Exit(exitCode);

    public void Dispose()
    {
    }
}
