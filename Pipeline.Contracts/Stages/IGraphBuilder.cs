using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// Takes one stage with its record types as type arguments. Dataflow blocks are made behind it and nowhere else: bounds, order,
/// parallelism, cancellation and counting live there; stages never construct blocks.
/// </summary>
public interface IGraphBuilder
{
    void AddSource<T>(ISource<T> source)
        where T : IRecord;

    void AddMap<TIn, TOut>(IMap<TIn, TOut> map)
        where TIn : IRecord
        where TOut : IRecord;

    void AddStream<TIn, TOut>(IStream<TIn, TOut> stream)
        where TIn : IRecord
        where TOut : IRecord;

    void AddSink<T>(ISink<T> sink)
        where T : IRecord;
}
