using System.Collections.ObjectModel;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// Everything that a stage may receive besides its options. The stage's registration passes on what the constructor asks for, so that a constructor
/// shows what its stage needs; only a stage that needs most of it takes the context itself. A stage opens no path that it was not given.
/// </summary>
/// <param name="Definition">The definition of the run, with all options resolved.</param>
/// <param name="Facts">What the stages of the flow tell each other.</param>
/// <param name="StageName">The stage's name, unique in its flow.</param>
/// <param name="RunFolder">The full path of the run folder. Everything that a run writes is below it.</param>
/// <param name="Storage">Where all files are read and written.</param>
/// <param name="Meter">Takes the stage's counts and scalars.</param>
/// <param name="Rejects">
/// Where a source, stream or sink reports a record that it cannot use. A map throws <see cref="RejectedException"/> instead.
/// </param>
/// <param name="Services">
/// The device, models and tokenizers, which are loaded once and shared by the flows of a run. Stages do not dispose of them.
/// </param>
/// <param name="Partition">Which part of the sink's output this graph computes; null for the whole flow.</param>
public sealed record StageContext(
    RunDefinition Definition,
    FlowFacts Facts,
    string StageName,
    string RunFolder,
    IStorage Storage,
    IStageMeter Meter,
    IRejects Rejects,
    IServiceProvider Services,
    Partition? Partition)
{
    /// <summary>
    /// Cancelled when the user asks for a stop at the next safe point (Ctrl-C, SIGTERM). A sink that stops for this reason brings its state to safety
    /// and throws <see cref="Errors.InterruptedException"/>; if it returned, that would mean that the flow is done. Only the sink receives the token. A
    /// source that ended early would make its sink believe that the input is complete.
    /// </summary>
    public CancellationToken StopRequested { get; init; }

    /// <summary>Where an <see cref="IResumable"/> sink wants the input to continue; the default value is the beginning.</summary>
    public StreamPosition Resume { get; init; }

    /// <summary>
    /// Collects the named parts of every <see cref="IFingerprinted"/> stage of this graph. It can be called once all stages are made: while the graph
    /// runs, or when a sink is asked what it has committed, but not in a constructor.
    /// </summary>
    public Func<IReadOnlyDictionary<string, string>> Fingerprint { get; init; } = static () => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>One of the <see cref="Services"/>.</summary>
    /// <exception cref="InvalidOperationException">The host does not provide it. This is a bug in the program.</exception>
    public T Service<T>() where T : class
        => (T?)Services.GetService(typeof(T))
            ?? throw new InvalidOperationException($"stage '{StageName}' needs a {typeof(T).Name}, which the host does not provide");
}

/// <summary>
/// Part <paramref name="Index"/>, from 0, of <paramref name="Count"/> parts of a flow's input. The source decides which rows belong to it.
/// </summary>
public readonly record struct Partition(int Index, int Count);

/// <summary>Takes records that cannot be used, counts them by reason and names them in the reject file.</summary>
public interface IRejects
{
    /// <summary>Rejects one record.</summary>
    /// <param name="id">The document.</param>
    /// <param name="reason">
    /// A short phrase that is the same for all records rejected for this reason; see <see cref="RejectedException.Reason"/>.
    /// </param>
    /// <param name="message">What is wrong with this record in particular.</param>
    void Reject(DocumentId id, string reason, string message);
}
