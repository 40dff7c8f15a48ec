namespace Pipeline.Contracts.Stages;

/// <summary>Where a flow ends.</summary>
public interface ISink<in T>
{
    /// <summary>
    /// Takes the records of the flow. When the task completes, the work is done and everything is on disk. The output of an <see cref="ICommitted"/>
    /// sink may stay invisible until <see cref="ICommitted.Commit"/>.
    /// </summary>
    /// <param name="input">
    /// Read to its end, unless the sink is <see cref="IEndsEarly"/>. A record that cannot be used is reported to <see cref="StageContext.Rejects"/>.
    /// </param>
    /// <param name="cancellationToken">
    /// Cancelled when the graph has to stop at once. For a stop at a safe point see <see cref="StageContext.StopRequested"/>.
    /// </param>
    Task RunAsync(IAsyncEnumerable<T> input, CancellationToken cancellationToken);
}
