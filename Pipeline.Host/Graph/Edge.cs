using System.Runtime.CompilerServices;
using System.Threading.Tasks.Dataflow;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>
/// The queue between two stages, as its consumer sees it. The interface is covariant, so that a stage may take a base type of what the stage before
/// it produces.
/// </summary>
internal interface IEdge<out T>
    where T : IRecord
{
    ISourceBlock<T> Block { get; }

    /// <summary>The records in order. Throws if the producer failed or was cancelled, so that the end of the sequence is always the end of the input.</summary>
    /// <exception cref="OperationCanceledException">The graph was cancelled.</exception>
    IAsyncEnumerable<T> ReadAsync(StageMeter consumer, CancellationToken cancellationToken);

    /// <summary>Must be called for each record that a consumer takes from <see cref="Block"/> directly: it is counted, and its bytes are free again.</summary>
    void Taken(StageMeter consumer, IRecord record);

    /// <summary>Whether there is another record. Waits until that is known.</summary>
    Task<bool> HasMoreAsync(CancellationToken cancellationToken);
}

/// <summary>The queue between two stages. It is bounded by the number of its records and by their size in bytes.</summary>
internal sealed class Edge<T> : IEdge<T>
    where T : IRecord
{
    private readonly BufferBlock<T> _block;
    private readonly ByteGate _bytes;
    private readonly StageMeter _producer;

    public Edge(StageMeter producer, QueueBounds bounds, CancellationToken producerToken)
    {
        _producer = producer;
        _bytes = new ByteGate(bounds.Bytes);
        _block = new BufferBlock<T>(new DataflowBlockOptions { BoundedCapacity = bounds.Records, CancellationToken = producerToken });
        producer.QueueFill = () => (double)_block.Count / bounds.Records;
    }

    public ISourceBlock<T> Block => _block;

    /// <summary>Waits for space in the queue and appends a record.</summary>
    /// <exception cref="DefectException">The queue no longer takes records, although nobody cancelled it.</exception>
    public async Task SendAsync(T record, CancellationToken cancellationToken)
    {
        await _bytes.EnterAsync(record.Weight, cancellationToken);
        if (!await _block.SendAsync(record, cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new DefectException($"stage '{_producer.Stage}': the queue after it refused a record");
        }
        _producer.HandedOver();
    }

    public void Complete() => _block.Complete();

    public void Taken(StageMeter consumer, IRecord record)
    {
        consumer.Took();
        _bytes.Leave(record.Weight);
    }

    public async Task<bool> HasMoreAsync(CancellationToken cancellationToken)
    {
        bool more = await _block.OutputAvailableAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return more;
    }

    public async IAsyncEnumerable<T> ReadAsync(StageMeter consumer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await _block.OutputAvailableAsync(cancellationToken))
        {
            while (_block.TryReceive(out T? record))
            {
                Taken(consumer, record);
                yield return record;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        // A cancelled block says "nothing available", exactly as a finished one does.
        cancellationToken.ThrowIfCancellationRequested();
        await _block.Completion;
    }
}

/// <summary>The most that a queue may hold.</summary>
internal readonly record struct QueueBounds(int Records, long Bytes)
{
    public static QueueBounds Default { get; } = new(64, 64L << 20);
}
