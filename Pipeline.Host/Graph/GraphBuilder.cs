using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Dataflow;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>
/// Builds the graph of a flow and runs it: a chain of source, maps, streams and sink, with a bounded queue between neighbours. This is the one place
/// that makes Dataflow blocks, because they have traps that lose records or hang silently; decision 0001 in docs/decisions describes them. No link has
/// a predicate, no block has two sources, every send is checked, no delegate of a block throws, and one cancellation source stops the whole graph.
/// Stages are added in the order of the flow; then <see cref="RunAsync"/> is called once.
/// </summary>
/// <param name="settings">What the graphs of a run share.</param>
/// <param name="failures">Counts the records on which maps fail.</param>
/// <param name="runToken">Ends the graph at once.</param>
internal sealed class GraphBuilder(GraphSettings settings, FailedRecords failures, CancellationToken runToken) : IDisposable
{
    private readonly CancellationTokenSource _graph = CancellationTokenSource.CreateLinkedTokenSource(runToken);
    private readonly List<GraphNode> _nodes = [];
    private ExceptionDispatchInfo? _failure;
    private object? _lastEdge;

    /// <summary>The builder that adds a stage at a place. A stage's registration uses it, because it knows the record types.</summary>
    public IGraphBuilder At(GraphPlace place) => new PlacedBuilder(this, place);

    public void AddSource<T>(GraphPlace place, ISource<T> source)
        where T : IRecord
    {
        GraphNode node = AddNode(place, StageRole.Source);
        Edge<T> output = AddEdge<T>(node);
        node.Work = token => PumpAsync(source.ReadAsync(token), output, token);
    }

    public void AddMap<TIn, TOut>(GraphPlace place, IMap<TIn, TOut> map)
        where TIn : IRecord
        where TOut : IRecord
    {
        IEdge<TIn> input = LastEdge<TIn>();
        GraphNode node = AddNode(place, StageRole.Map);
        Edge<TOut> output = AddEdge<TOut>(node);
        // The block works in parallel and keeps the order. Its bound counts the records that wait, that are worked on, and that wait for their turn to leave.
        var block = new TransformBlock<TIn, Outcome<TOut>>(
            record => Work(map, record, input, node),
            new ExecutionDataflowBlockOptions
            {
                EnsureOrdered = true,
                MaxDegreeOfParallelism = settings.Parallelism,
                BoundedCapacity = 2 * settings.Parallelism,
                CancellationToken = node.Cancellation.Token,
            });
        input.Block.LinkTo(block, new DataflowLinkOptions { PropagateCompletion = true });
        node.Work = token => FlattenAsync(block, output, node, place.Rejects, token);
    }

    public void AddStream<TIn, TOut>(GraphPlace place, IStream<TIn, TOut> stream)
        where TIn : IRecord
        where TOut : IRecord
    {
        IEdge<TIn> input = LastEdge<TIn>();
        GraphNode node = AddNode(place, StageRole.Stream);
        Edge<TOut> output = AddEdge<TOut>(node);
        node.Work = async token =>
        {
            await foreach (TOut record in stream.RunAsync(input.ReadAsync(node.Meter, token), token))
                await output.SendAsync(record, token);
            token.ThrowIfCancellationRequested();
            await EndInputAsync(input, node, stream, token);
            output.Complete();
        };
    }

    public void AddSink<T>(GraphPlace place, ISink<T> sink)
        where T : IRecord
    {
        IEdge<T> input = LastEdge<T>();
        GraphNode node = AddNode(place, StageRole.Sink);
        _lastEdge = null;
        node.Work = async token =>
        {
            await sink.RunAsync(input.ReadAsync(node.Meter, token), token);
            await EndInputAsync(input, node, sink, token);
        };
    }

    /// <summary>Runs the graph to its end. Afterwards no stage is running any more, whatever the outcome.</summary>
    /// <returns>The counts of every stage, in order. They were checked (<see cref="GraphCounts"/>).</returns>
    /// <exception cref="DefectException">A stage failed, or records were lost. The message names the stage.</exception>
    /// <exception cref="OperationCanceledException">The run's token was cancelled.</exception>
    public async Task<IReadOnlyList<StageCounts>> RunAsync()
    {
        if (_lastEdge is not null || _nodes.Count == 0)
            throw new InvalidOperationException("a graph begins with a source and ends with a sink");
        await Task.WhenAll(_nodes.Select(DriveAsync));
        // The caller disposes of the stages next, so none of their delegates may still run.
        await Task.WhenAll(_nodes.Select(n => n.Delegates.CloseAsync()));
        _failure?.Throw();
        runToken.ThrowIfCancellationRequested();
        return GraphCounts.Check(_nodes);
    }

    public void Dispose()
    {
        foreach (GraphNode node in _nodes)
            node.Cancellation.Dispose();
        _graph.Dispose();
    }

    private async Task DriveAsync(GraphNode node)
    {
        CancellationToken token = node.Cancellation.Token;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await node.Work!(token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // The run was cancelled, another stage failed (its failure is kept), or a later stage needs no more records.
        }
#pragma warning disable CA1031 // Any exception must stop the other stages and reach the caller.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(node, e);
        }
    }

    private void Fail(GraphNode node, Exception exception)
    {
        Exception named = StageFailure.Name(node.Meter.Flow, node.Name, exception);
        Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(named), null);
        // Otherwise an upstream stage that waits in SendAsync would never learn of a fault downstream.
        _graph.Cancel();
    }

    private static async Task PumpAsync<T>(IAsyncEnumerable<T> records, Edge<T> output, CancellationToken token)
        where T : IRecord
    {
        await foreach (T record in records)
            await output.SendAsync(record, token);
        token.ThrowIfCancellationRequested();
        output.Complete();
    }

    private async Task FlattenAsync<TIn, TOut>(
        TransformBlock<TIn, Outcome<TOut>> block, Edge<TOut> output, GraphNode node, StageRejects rejects, CancellationToken token)
        where TIn : IRecord
        where TOut : IRecord
    {
        while (await block.OutputAvailableAsync(token))
        {
            while (block.TryReceive(out Outcome<TOut> outcome))
            {
                token.ThrowIfCancellationRequested();
                if (outcome.Rejected is { } rejected)
                    rejects.Reject(rejected.Id, rejected.Reason, rejected.Message);
                else if (outcome.Failure is { } failure)
                    Record(failure, outcome.RecordId!, node, rejects);
                else
                    await HandOverAsync(outcome.Outputs, output, node, token);
            }
        }
        token.ThrowIfCancellationRequested();
        await block.Completion;
        output.Complete();
    }

    private static async Task HandOverAsync<T>(IReadOnlyList<T> records, Edge<T> output, GraphNode node, CancellationToken token)
        where T : IRecord
    {
        // The list may compute its items when they are asked for. A document that becomes a million records must not produce them faster than the queue
        // takes them.
        for (int i = 0; i < records.Count; i++)
            await output.SendAsync(records[i], token);
        node.Meter.Passed();
    }

    private void Record(ExceptionDispatchInfo failure, string recordId, GraphNode node, StageRejects rejects)
    {
        // An error that the user can act on, or that every record would meet, ends the run. Any other concerns only this record.
        if (failure.SourceException is AlmException || MemoryExhaustion.Is(failure.SourceException))
            failure.Throw();
        rejects.Failed(recordId, failure.SourceException);
        failures.Add(recordId, node.Name, failure.SourceException);
    }

    private static Outcome<TOut> Work<TIn, TOut>(IMap<TIn, TOut> map, TIn record, IEdge<TIn> input, GraphNode node)
        where TIn : IRecord
        where TOut : IRecord
    {
        // The gate is closed only when the graph is over. Nobody looks at the outcome then.
        if (!node.Delegates.TryEnter())
            return default;
        input.Taken(node.Meter, record);
        Outcome<TOut> outcome = Apply(map, record);
        node.Delegates.Leave();
        return outcome;
    }

    private static Outcome<TOut> Apply<TIn, TOut>(IMap<TIn, TOut> map, TIn record)
        where TIn : IRecord
        where TOut : IRecord
    {
        try
        {
            return new Outcome<TOut>(map.Map(record), null, null, null);
        }
        catch (RejectedException e)
        {
            return new Outcome<TOut>([], e, null, null);
        }
#pragma warning disable CA1031 // A delegate of a block must not throw: the record would be lost, or all others with it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new Outcome<TOut>([], null, ExceptionDispatchInfo.Capture(e), record.Id?.ToString() ?? $"a {typeof(TIn).Name}");
        }
    }

    private async Task EndInputAsync<T>(IEdge<T> input, GraphNode node, object stage, CancellationToken token)
        where T : IRecord
    {
        if (input.Block.Completion.IsCompletedSuccessfully)
            return;
        if (stage is IEndsEarly)
        {
            // The nearest stage is cancelled first: a stage whose input is cancelled before the stage itself would report a failure.
            foreach (GraphNode before in _nodes.TakeWhile(n => n != node).Reverse())
            {
                before.CutShort = true;
                await before.Cancellation.CancelAsync();
            }
            return;
        }
        if (await input.HasMoreAsync(token))
            throw new DefectException($"flow '{node.Meter.Flow}', stage '{node.Name}' ended before its input did");
    }

    private GraphNode AddNode(GraphPlace place, StageRole role)
    {
        var node = new GraphNode(place.StageName, role, place.Meter, CancellationTokenSource.CreateLinkedTokenSource(_graph.Token));
        _nodes.Add(node);
        return node;
    }

    private Edge<T> AddEdge<T>(GraphNode producer)
        where T : IRecord
    {
        var edge = new Edge<T>(producer.Meter, settings.Queue, producer.Cancellation.Token);
        _lastEdge = edge;
        return edge;
    }

    private IEdge<T> LastEdge<T>()
        where T : IRecord
        => _lastEdge as IEdge<T> ?? throw new InvalidOperationException($"the stage before it does not produce {typeof(T).Name}");

    private sealed class PlacedBuilder(GraphBuilder builder, GraphPlace place) : IGraphBuilder
    {
        public void AddSource<T>(ISource<T> source)
            where T : IRecord
            => builder.AddSource(place, source);

        public void AddMap<TIn, TOut>(IMap<TIn, TOut> map)
            where TIn : IRecord
            where TOut : IRecord
            => builder.AddMap(place, map);

        public void AddStream<TIn, TOut>(IStream<TIn, TOut> stream)
            where TIn : IRecord
            where TOut : IRecord
            => builder.AddStream(place, stream);

        public void AddSink<T>(ISink<T> sink)
            where T : IRecord
            => builder.AddSink(place, sink);
    }
}
