using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// A row of the table that maps <c>"stage": "name"</c> in a definition to the types behind it. Nothing is found by reflection over assemblies. A stage
/// keeps its row in a static property <c>Registration</c>. Its class is named like the row, followed by its role: <c>read-parquet</c> is a
/// <c>ReadParquetSource</c>.
/// </summary>
/// <param name="Name">The name in definitions: a verb and a noun.</param>
/// <param name="Summary">One sentence for the schema and the reference pages.</param>
/// <param name="OptionsType">A record whose properties are the keys that a definition may set.</param>
/// <param name="StageType">The type that <see cref="Create"/> makes.</param>
/// <param name="Input">The type of the records that it takes; null for a source.</param>
/// <param name="Output">The type of the records that it gives; null for a sink.</param>
public abstract record StageRegistration(string Name, string Summary, Type OptionsType, Type StageType, Type? Input, Type? Output)
{
    /// <summary>Parts that the definition must have: <c>StageRegistration.Map(...) with { Needs = StageNeeds.Teacher }</c>.</summary>
    public StageNeeds Needs { get; init; }

    /// <summary>
    /// Whether the stage is <see cref="ICommitted"/>. The host then asks it before a flow runs what is committed already, and, for a flow that is done,
    /// whether every part is still there.
    /// </summary>
    public bool IsCommitted => StageType.IsAssignableTo(typeof(ICommitted));

    /// <summary>
    /// Whether several processes that were started together (ranks) run one graph with this sink together. Any other graph is run by a single process.
    /// </summary>
    public bool IsRanked { get; init; }

    /// <summary>Adds what follows from the stage's options to the facts of its flow. Set it with <see cref="Telling{TOptions}"/>.</summary>
    public Func<object, FlowFacts, FlowFacts> AddFacts { get; init; } = static (_, facts) => facts;

    /// <summary>What the stage leaves in the run folder, from its options alone. Set it with <see cref="Writing{TOptions}"/>.</summary>
    public Func<object, IEnumerable<StageOutput>> Outputs { get; init; } = static _ => [];

    /// <summary>
    /// Finds what is wrong with the stage's options, given the rest of the definition and the files that it names. Set it with
    /// <see cref="Ruled{TOptions}"/>.
    /// </summary>
    public Func<object, StageContext, IEnumerable<RuleFinding>> Rules { get; init; } = static (_, _) => [];

    public abstract StageRole Role { get; }

    /// <summary>A copy of this registration for a stage that tells the others of its flow something.</summary>
    public StageRegistration Telling<TOptions>(Func<TOptions, FlowFacts, FlowFacts> addFacts)
        => this with { AddFacts = (options, facts) => addFacts((TOptions)options, facts) };

    /// <summary>A copy of this registration for a stage that leaves something in the run folder.</summary>
    public StageRegistration Writing<TOptions>(Func<TOptions, IEnumerable<StageOutput>> outputs)
        => this with { Outputs = options => outputs((TOptions)options) };

    /// <summary>A copy of this registration for a stage with rules about more than one key.</summary>
    /// <remarks>
    /// Rules are checked before any flow of a run begins, for every flow that is not done, even if earlier flows have yet to write what this one reads.
    /// They write nothing, load no weights, and report everything that is wrong, not only the first fault. A rule that needs only the options belongs
    /// in the options record, which then implements <see cref="System.ComponentModel.DataAnnotations.IValidatableObject"/>.
    /// </remarks>
    public StageRegistration Ruled<TOptions>(Func<TOptions, StageContext, IEnumerable<RuleFinding>> rules)
        => this with { Rules = (options, context) => rules((TOptions)options, context) };

    /// <summary>
    /// Makes the stage. The host does so more often than it runs the stage, for example to plan or to ask a sink what is committed. Making a stage
    /// should therefore be cheap, and must write nothing. The host disposes of a stage that is <see cref="IDisposable"/> or
    /// <see cref="IAsyncDisposable"/>, once no call into it is in progress.
    /// </summary>
    /// <param name="options">An instance of <see cref="OptionsType"/>.</param>
    /// <param name="context">What else the stage may receive.</param>
    public abstract object Create(object options, StageContext context);

    /// <summary>Adds a stage that <see cref="Create"/> made to a graph, with its record types as type arguments.</summary>
    public abstract void AddTo(IGraphBuilder graph, object stage);

    /// <summary>The row of a source.</summary>
    public static StageRegistration Source<TOptions, TOut, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TOut : IRecord
        where TStage : class, ISource<TOut>
        => new SourceRegistration<TOptions, TOut, TStage>(name, summary, create);

    /// <summary>The row of a map.</summary>
    public static StageRegistration Map<TOptions, TIn, TOut, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TIn : IRecord
        where TOut : IRecord
        where TStage : class, IMap<TIn, TOut>
        => new MapRegistration<TOptions, TIn, TOut, TStage>(name, summary, create);

    /// <summary>The row of a stream.</summary>
    public static StageRegistration Stream<TOptions, TIn, TOut, TStage>(string name, string summary, Func<TOptions, StageContext, TStage> create)
        where TIn : IRecord
        where TOut : IRecord
        where TStage : class, IStream<TIn, TOut>
        => new StreamRegistration<TOptions, TIn, TOut, TStage>(name, summary, create);

    /// <summary>The row of a sink.</summary>
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
