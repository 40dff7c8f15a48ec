namespace Pipeline.Contracts.Stages;

/// <summary>Where the records of a flow come from. Read once per graph, in one order that never depends on parallelism.</summary>
public interface ISource<out T>
{
    IAsyncEnumerable<T> ReadAsync(CancellationToken cancellationToken);
}
