using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Tests.Graph;

internal sealed class Source<T>(Func<CancellationToken, IAsyncEnumerable<T>> read) : ISource<T>
{
    public IAsyncEnumerable<T> ReadAsync(CancellationToken cancellationToken) => read(cancellationToken);
}

internal sealed class Map<TIn, TOut>(Func<TIn, IReadOnlyList<TOut>> map) : IMap<TIn, TOut>
{
    IReadOnlyList<TOut> IMap<TIn, TOut>.Map(TIn input) => map(input);
}

internal sealed class Stream<TIn, TOut>(Func<IAsyncEnumerable<TIn>, CancellationToken, IAsyncEnumerable<TOut>> run) : IStream<TIn, TOut>
{
    public IAsyncEnumerable<TOut> RunAsync(IAsyncEnumerable<TIn> input, CancellationToken cancellationToken) => run(input, cancellationToken);
}

internal sealed class EarlyStream<TIn, TOut>(Func<IAsyncEnumerable<TIn>, CancellationToken, IAsyncEnumerable<TOut>> run) : IStream<TIn, TOut>, IEndsEarly
{
    public IAsyncEnumerable<TOut> RunAsync(IAsyncEnumerable<TIn> input, CancellationToken cancellationToken) => run(input, cancellationToken);
}

internal sealed class Sink<T>(Func<IAsyncEnumerable<T>, CancellationToken, Task> run) : ISink<T>
{
    public Task RunAsync(IAsyncEnumerable<T> input, CancellationToken cancellationToken) => run(input, cancellationToken);
}

internal sealed class EarlySink<T>(Func<IAsyncEnumerable<T>, CancellationToken, Task> run) : ISink<T>, IEndsEarly
{
    public Task RunAsync(IAsyncEnumerable<T> input, CancellationToken cancellationToken) => run(input, cancellationToken);
}

internal sealed class Collect<T> : ISink<T>
{
    public List<T> Records { get; } = [];

    public async Task RunAsync(IAsyncEnumerable<T> input, CancellationToken cancellationToken)
    {
        await foreach (T record in input.WithCancellation(cancellationToken))
            Records.Add(record);
    }
}

internal sealed class NoServices : IServiceProvider
{
    public object? GetService(Type serviceType) => null;
}
