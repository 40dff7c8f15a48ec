using System.Runtime.CompilerServices;
using System.Threading.Tasks.Dataflow;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>What the consumer of an edge sees; covariant, so that a stage may take a base type of what the one before it gives.</summary>
internal interface IEdge<out T>
    where T : IRecord
{
    ISourceBlock<T> Block { get; }

    /// <summary>The records in order; throws when the producer failed or was cancelled, and never ends early without an error.</summary>
    IAsyncEnumerable<T> ReadAsync(StageMeter consumer, CancellationToken cancellationToken);

    /// <summary>A consumer linked to <see cref="Block"/> took a record.</summary>
    void Taken(StageMeter consumer, IRecord record);

    /// <summary>Whether another record follows; waits until that is certain.</summary>
    Task<bool> HasMoreAsync(CancellationToken cancellationToken);
}

/// <summary>The bounded queue between two stages, by count and by bytes.</summary>
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

    /// <exception cref="DefectException">The queue no longer takes records although nobody cancelled it.</exception>
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
        // A cancelled block also says that nothing is available, which is not the end of the input.
        cancellationToken.ThrowIfCancellationRequested();
        await _block.Completion;
    }
}

/// <summary>How much a queue holds at most.</summary>
internal readonly record struct QueueBounds(int Records, long Bytes)
{
    public static QueueBounds Default { get; } = new(64, 64L << 20);
}
