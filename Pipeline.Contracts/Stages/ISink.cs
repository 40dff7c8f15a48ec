namespace Pipeline.Contracts.Stages;

/// <summary>Where a flow ends. When the task completes, everything is committed.</summary>
public interface ISink<in T>
{
    Task RunAsync(IAsyncEnumerable<T> input, CancellationToken cancellationToken);
}
