using System.Collections.ObjectModel;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Definitions;
using Pipeline.Host.Graph;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>What the stages of a run are made with.</summary>
/// <param name="Definition">The definition of the run.</param>
/// <param name="RunFolder">The full path of the run folder.</param>
/// <param name="Storage">The storage that the run folder is in.</param>
/// <param name="Services">Services that stages share.</param>
/// <param name="Time">The clock.</param>
/// <param name="Catalog">The stages that the definition may name.</param>
/// <param name="Scalars">Keeps values of a training.</param>
/// <param name="Rejects">Keeps the lines of rejects.</param>
/// <param name="Say">Logs a remark of a stage, given the flow, the stage and the remark.</param>
internal sealed record StageSurroundings(
    RunDefinition Definition,
    string RunFolder,
    Pipeline.Contracts.Storage.IStorage Storage,
    IServiceProvider Services,
    TimeProvider Time,
    StageCatalog Catalog,
    IScalarLog Scalars,
    IRejectLog Rejects,
    Action<string, string, string> Say);

/// <summary>
/// The stages of a flow, or of one of its parts. The sink is made first, because it may say where the source has to begin. Stages that can be disposed of
/// are disposed of with the graph.
/// </summary>
internal sealed class FlowGraph : IAsyncDisposable
{
    private readonly StageSurroundings _surroundings;
    private readonly FlowDefinition _flow;
    private readonly Partition? _partition;
    private readonly CancellationToken _stopRequested;
    private readonly FlowFacts _facts;
    private readonly GraphPlace[] _places;
    private readonly object?[] _stages;

    private FlowGraph(StageSurroundings surroundings, FlowDefinition flow, Partition? partition, CancellationToken stopRequested)
    {
        _surroundings = surroundings;
        _flow = flow;
        _partition = partition;
        _stopRequested = stopRequested;
        _facts = surroundings.Catalog.FactsOf(flow, surroundings.Definition);
        _places = new GraphPlace[flow.Stages.Count];
        _stages = new object?[flow.Stages.Count];
    }

    /// <summary>The last stage.</summary>
    public object Sink => _stages[^1]!;

    /// <summary>The stages, in the order of the flow. Null for a stage that was not made.</summary>
    public IReadOnlyList<object?> Stages => _stages;

    /// <summary>The meters of all stages. Only a graph that was made whole has them.</summary>
    public IReadOnlyList<StageMeter> Meters => _places.Select(p => p.Meter).ToList();

    /// <summary>Makes only the sink, to ask it what is committed. Such a graph cannot run.</summary>
    public static FlowGraph CreateSink(StageSurroundings surroundings, FlowDefinition flow)
    {
        var graph = new FlowGraph(surroundings, flow, null, CancellationToken.None);
        graph.Make(flow.Stages.Count - 1, default);
        return graph;
    }

    /// <summary>Makes all stages.</summary>
    /// <param name="surroundings">What the stages are made with.</param>
    /// <param name="flow">The flow.</param>
    /// <param name="partition">The part of the flow. Null for the whole flow.</param>
    /// <param name="stopRequested">Cancelled when the user asks for a stop at a safe point. Only the sink is told.</param>
    public static async Task<FlowGraph> CreateAsync(
        StageSurroundings surroundings, FlowDefinition flow, Partition? partition, CancellationToken stopRequested)
    {
        var graph = new FlowGraph(surroundings, flow, partition, stopRequested);
        try
        {
            graph.Make(flow.Stages.Count - 1, default);
            StreamPosition resume = graph.Sink is IResumable resumable ? resumable.ResumeAt : default;
            for (int i = 0; i < flow.Stages.Count - 1; i++)
                graph.Make(i, resume);
            return graph;
        }
        catch
        {
            await graph.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds all stages to a builder, in order.</summary>
    public void AddTo(GraphBuilder builder)
    {
        for (int i = 0; i < _stages.Length; i++)
            Registration(i).AddTo(builder.At(_places[i]), _stages[i]!);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (object? stage in _stages)
        {
            if (stage is IAsyncDisposable asynchronous)
                await asynchronous.DisposeAsync();
            else
                (stage as IDisposable)?.Dispose();
        }
    }

    private StageRegistration Registration(int index) => _surroundings.Catalog[_flow.Stages[index].Kind.Value];

    private void Make(int index, StreamPosition resume)
    {
        StageDefinition stage = _flow.Stages[index];
        bool isSink = index == _stages.Length - 1;
        var meter = new StageMeter(
            _flow.Name, stage.Name, _surroundings.Scalars, message => _surroundings.Say(_flow.Name, stage.Name, message));
        var rejects = new StageRejects(meter, _surroundings.Rejects, _partition);
        _places[index] = new GraphPlace(stage.Name, meter, rejects);
        var context = new StageContext(
            _surroundings.Definition,
            _facts,
            stage.Name,
            _surroundings.RunFolder,
            _surroundings.Storage,
            meter,
            rejects,
            _surroundings.Services,
            _partition)
        {
            StopRequested = isSink ? _stopRequested : CancellationToken.None,
            Resume = resume,
            Fingerprint = Fingerprint,
        };
        _stages[index] = Registration(index).Create(stage.Options, context);
    }

    private ReadOnlyDictionary<string, string> Fingerprint()
    {
        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (object? stage in _stages)
        {
            if (stage is null)
                throw new InvalidOperationException($"flow '{_flow.Name}': the fingerprint was asked for before every stage was made");
            foreach ((string name, string value) in (stage as IFingerprinted)?.Fingerprint ?? ReadOnlyDictionary<string, string>.Empty)
            {
                if (!parts.TryAdd(name, value) && parts[name] != value)
                    throw new DefectException($"flow '{_flow.Name}': two stages give the fingerprint another '{name}': {parts[name]} and {value}");
            }
        }
        return parts.AsReadOnly();
    }
}
