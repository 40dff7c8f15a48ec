using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// A row of the table that maps a definition's <c>"stage": "name"</c> to types: nothing is found by reflection over assemblies. A stage
/// has its row in a static property <c>Registration</c> and is named like its row, followed by its role: <c>read-parquet</c> is a
/// <c>ReadParquetSource</c>.
/// </summary>
/// <param name="Name">As definitions say it: verb-noun.</param>
/// <param name="Summary">One sentence for the schema and for <c>--help</c>.</param>
/// <param name="OptionsType">A record whose properties are the keys a definition may set.</param>
/// <param name="StageType">What <see cref="Create"/> makes.</param>
/// <param name="Input">The record it takes; null for a source.</param>
/// <param name="Output">The record it gives; null for a sink.</param>
public abstract record StageRegistration(string Name, string Summary, Type OptionsType, Type StageType, Type? Input, Type? Output)
{
    /// <summary>Parts of the definition that must be present: <c>StageRegistration.Map(...) with { Needs = StageNeeds.Teacher }</c>.</summary>
    public StageNeeds Needs { get; init; }

    /// <summary>
    /// Whether the stage is <see cref="ICommitted"/>: it is asked what is committed before it runs, and a flow that is done has its sink asked
    /// whether every part is still there.
    /// </summary>
    public bool IsCommitted => StageType.IsAssignableTo(typeof(ICommitted));

    /// <summary>Whether processes that were started together share a graph with this sink; any other graph is done by one process.</summary>
    public bool IsRanked { get; init; }

    /// <summary>Adds what the stage's options say to the facts of its flow; see <see cref="Telling{TOptions}"/>.</summary>
    public Func<object, FlowFacts, FlowFacts> AddFacts { get; init; } = static (_, facts) => facts;

    /// <summary>What the stage leaves in the run folder, from its options alone; see <see cref="Writing{TOptions}"/>.</summary>
    public Func<object, IEnumerable<StageOutput>> Outputs { get; init; } = static _ => [];

    /// <summary>
    /// What is wrong with the stage's options, given the rest of the definition and the files it names; see <see cref="Ruled{TOptions}"/>.
    /// </summary>
    public Func<object, StageContext, IEnumerable<RuleFinding>> Rules { get; init; } = static (_, _) => [];

    public abstract StageRole Role { get; }

    /// <summary>This registration, for a stage that tells the others of its flow something.</summary>
    public StageRegistration Telling<TOptions>(Func<TOptions, FlowFacts, FlowFacts> addFacts)
        => this with { AddFacts = (options, facts) => addFacts((TOptions)options, facts) };

    /// <summary>This registration, for a stage that leaves something in the run folder.</summary>
    public StageRegistration Writing<TOptions>(Func<TOptions, IEnumerable<StageOutput>> outputs)
        => this with { Outputs = options => outputs((TOptions)options) };

    /// <summary>
    /// This registration, for a stage with rules about more than one key. They are checked before any flow of a run begins, for every
    /// flow that is not done, even if earlier flows have yet to make what this one reads. They write nothing, load no weights, and find
    /// everything at once. A rule about the options alone is the options record's own (IValidatableObject).
    /// </summary>
    public StageRegistration Ruled<TOptions>(Func<TOptions, StageContext, IEnumerable<RuleFinding>> rules)
        => this with { Rules = (options, context) => rules((TOptions)options, context) };

    /// <summary>
    /// Makes the stage. Called more often than the stage runs (to plan, to ask a sink what is committed), so it should be cheap
    /// and writes nothing.
    /// </summary>
    public abstract object Create(object options, StageContext context);

    /// <summary>Adds a stage that <see cref="Create"/> made to a graph, with its record types as type arguments.</summary>
    public abstract void AddTo(IGraphBuilder graph, object stage);

    public static StageRegistration Source<TOptions, TOut, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TOut : IRecord
        where TStage : class, ISource<TOut>
        => new SourceRegistration<TOptions, TOut, TStage>(name, summary, create);

    public static StageRegistration Map<TOptions, TIn, TOut, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TIn : IRecord
        where TOut : IRecord
        where TStage : class, IMap<TIn, TOut>
        => new MapRegistration<TOptions, TIn, TOut, TStage>(name, summary, create);

    public static StageRegistration Stream<TOptions, TIn, TOut, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TIn : IRecord
        where TOut : IRecord
        where TStage : class, IStream<TIn, TOut>
        => new StreamRegistration<TOptions, TIn, TOut, TStage>(name, summary, create);

    public static StageRegistration Sink<TOptions, TIn, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TIn : IRecord
        where TStage : class, ISink<TIn>
        => new SinkRegistration<TOptions, TIn, TStage>(name, summary, create);

    private sealed record SourceRegistration<TOptions, TOut, TStage>(string Name, string Summary, Func<TOptions, StageContext, TStage> Make)
        : StageRegistration(Name, Summary, typeof(TOptions), typeof(TStage), null, typeof(TOut))
        where TOut : IRecord
        where TStage : class, ISource<TOut>
    {
        public override StageRole Role => StageRole.Source;

        public override object Create(object options, StageContext context) => Make((TOptions)options, context);

        public override void AddTo(IGraphBuilder graph, object stage) => graph.AddSource((ISource<TOut>)stage);
    }

    private sealed record MapRegistration<TOptions, TIn, TOut, TStage>(string Name, string Summary, Func<TOptions, StageContext, TStage> Make)
        : StageRegistration(Name, Summary, typeof(TOptions), typeof(TStage), typeof(TIn), typeof(TOut))
        where TIn : IRecord
        where TOut : IRecord
        where TStage : class, IMap<TIn, TOut>
    {
        public override StageRole Role => StageRole.Map;

        public override object Create(object options, StageContext context) => Make((TOptions)options, context);

        public override void AddTo(IGraphBuilder graph, object stage) => graph.AddMap((IMap<TIn, TOut>)stage);
    }

    private sealed record StreamRegistration<TOptions, TIn, TOut, TStage>(string Name, string Summary, Func<TOptions, StageContext, TStage> Make)
        : StageRegistration(Name, Summary, typeof(TOptions), typeof(TStage), typeof(TIn), typeof(TOut))
        where TIn : IRecord
        where TOut : IRecord
        where TStage : class, IStream<TIn, TOut>
    {
        public override StageRole Role => StageRole.Stream;

        public override object Create(object options, StageContext context) => Make((TOptions)options, context);

        public override void AddTo(IGraphBuilder graph, object stage) => graph.AddStream((IStream<TIn, TOut>)stage);
    }

    private sealed record SinkRegistration<TOptions, TIn, TStage>(string Name, string Summary, Func<TOptions, StageContext, TStage> Make)
        : StageRegistration(Name, Summary, typeof(TOptions), typeof(TStage), typeof(TIn), null)
        where TIn : IRecord
        where TStage : class, ISink<TIn>
    {
        public override StageRole Role => StageRole.Sink;

        public override object Create(object options, StageContext context) => Make((TOptions)options, context);

        public override void AddTo(IGraphBuilder graph, object stage) => graph.AddSink((ISink<TIn>)stage);
    }
}
