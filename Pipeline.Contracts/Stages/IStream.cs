namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that looks at several records together, for example to make batches, or that runs on the device. It sees the whole stream, one record after
/// the other, and decides the order of its output by itself.
/// </summary>
public interface IStream<in TIn, out TOut>
{
    /// <summary>Takes the records of the stage before and gives its own. Called once for each graph.</summary>
    /// <param name="input">
    /// Read to its end, unless the stage is <see cref="IEndsEarly"/>. A record that cannot be used is reported to <see cref="StageContext.Rejects"/>.
    /// </param>
    /// <param name="cancellationToken">Cancelled when the graph has to stop at once.</param>
    IAsyncEnumerable<TOut> RunAsync(IAsyncEnumerable<TIn> input, CancellationToken cancellationToken);
}
