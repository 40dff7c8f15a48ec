namespace Pipeline.Contracts.Stages;

/// <summary>
/// Where the records of a flow come from. It is read once for each graph, in an order that never depends on how the work is scheduled.
/// </summary>
public interface ISource<out T>
{
    /// <summary>
    /// Reads the records: all of them, or the share of <see cref="StageContext.Partition"/>, from <see cref="StageContext.Resume"/> on. A record that
    /// cannot be used is reported to <see cref="StageContext.Rejects"/>.
    /// </summary>
    IAsyncEnumerable<T> ReadAsync(CancellationToken cancellationToken);
}
