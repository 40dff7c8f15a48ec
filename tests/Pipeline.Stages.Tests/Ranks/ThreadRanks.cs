using System.Collections.Concurrent;
using Pipeline.Stages.Ranks;

namespace Pipeline.Stages.Tests.Ranks;

/// <summary>Ranks that are threads of the test's process.</summary>
internal sealed class ThreadRanks : IRanks
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly BlockingCollection<byte[]>[,] _lines;

    private ThreadRanks(int rank, BlockingCollection<byte[]>[,] lines) => (Rank, _lines) = (rank, lines);

    public int Rank { get; }

    public int Count => _lines.GetLength(0);

    public int LocalRank => Rank;

    public long BytesSent { get; private set; }

    public static ThreadRanks[] Create(int count)
    {
        var lines = new BlockingCollection<byte[]>[count, count];
        for (int i = 0; i < count * count; i++)
            lines[i / count, i % count] = [];
        return [.. Enumerable.Range(0, count).Select(r => new ThreadRanks(r, lines))];
    }

    /// <summary>Does the same on every rank, each on a thread of its own, and hands out what the first of them throws.</summary>
    public static async Task RunAsync(int count, Func<ThreadRanks, Task> work)
        => await Task.WhenAll(Create(count).Select(ranks => Task.Factory.StartNew(
            () => work(ranks), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));

    public void Exchange(int with, ReadOnlySpan<byte> send, Span<byte> receive)
    {
        BytesSent += send.Length;
        _lines[Rank, with].Add(send.ToArray());
        byte[] received = _lines[with, Rank].TryTake(out byte[]? found, Limit) ? found : throw new TimeoutException($"rank {Rank} waits for rank {with}");
        received.CopyTo(receive);
        if (received.Length != receive.Length)
            throw new InvalidOperationException($"rank {with} sent {received.Length} bytes, rank {Rank} expects {receive.Length}");
    }

    public void Broadcast(int from, Span<byte> data)
    {
        if (Rank == from)
        {
            for (int rank = 0; rank < Count; rank++)
            {
                if (rank != Rank)
                    _lines[Rank, rank].Add(data.ToArray());
            }
            return;
        }
        byte[] received = _lines[from, Rank].TryTake(out byte[]? found, Limit) ? found : throw new TimeoutException($"rank {Rank} waits for rank {from}");
        received.CopyTo(data);
    }

    public void Abort(int exitCode) => throw new InvalidOperationException($"aborted with {exitCode}");

    public void Dispose()
    {
    }
}
