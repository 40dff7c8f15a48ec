using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// Adds stages to a graph, each with its record types as type arguments. Stages are added in the order of the flow, the source first and the sink last.
/// Only the implementation makes Dataflow blocks: it takes care of queues and their limits, order, parallelism, cancellation and counts, so that no
/// stage needs to.
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
