namespace Pipeline.Contracts.Stages;

/// <summary>
/// Records to records where one depends on its neighbours (windows, batches, anything that runs on the device). Runs by itself, over
/// the whole stream, and gives records in its own order.
/// </summary>
public interface IStream<in TIn, out TOut>
{
    IAsyncEnumerable<TOut> RunAsync(IAsyncEnumerable<TIn> input, CancellationToken cancellationToken);
}
