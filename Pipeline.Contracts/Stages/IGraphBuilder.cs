namespace Pipeline.Contracts.Stages;

/// <summary>
/// Takes one stage with its record types as type arguments. Dataflow blocks are made behind it and nowhere else: bounds, order,
/// parallelism, cancellation and counting live there; stages never construct blocks.
/// </summary>
public interface IGraphBuilder
{
    void AddSource<T>(ISource<T> source);

    void AddMap<TIn, TOut>(IMap<TIn, TOut> map);

    void AddStream<TIn, TOut>(IStream<TIn, TOut> stream);

    void AddSink<T>(ISink<T> sink);
}
