namespace Pipeline.Contracts.Stages;

/// <summary>
/// The one place that makes Dataflow blocks. Bounds, order, parallelism, cancellation and counting live behind it; stages never
/// construct blocks.
/// </summary>
public interface IGraphBuilder
{
    void AddSource<T>(StageContext context, ISource<T> source);

    void AddMap<TIn, TOut>(StageContext context, IMap<TIn, TOut> map);

    void AddStream<TIn, TOut>(StageContext context, IStream<TIn, TOut> stream);

    void AddSink<T>(StageContext context, ISink<T> sink);
}
