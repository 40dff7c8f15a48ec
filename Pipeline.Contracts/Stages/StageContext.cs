using System.Collections.ObjectModel;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// Everything a stage may receive besides its options. Only registrations see it: they pass a stage what its constructor asks for, so that
/// the constructor says what the stage needs. A stage opens no path that it was not given.
/// </summary>
/// <param name="Definition">The resolved definition of the run.</param>
/// <param name="Facts">What the stages of the flow tell each other.</param>
/// <param name="StageName">The stage's name inside its flow.</param>
/// <param name="RunFolder">Full path; everything a run writes is below it.</param>
/// <param name="Storage">All files go through it.</param>
/// <param name="Meter">Counts and scalars.</param>
/// <param name="Rejects">Where a source, stream or sink reports a record that it cannot use.</param>
/// <param name="Services">Device, models and tokenizers, loaded once and shared by the flows of a run.</param>
/// <param name="Partition">Which part of the sink's output this graph computes; null for a whole flow.</param>
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
    /// Cancelled when the user asks for a stop at the next safe point (Ctrl-C, SIGTERM). Only a sink is given it: a source that ended
    /// because of it would tell its sink that the input is complete. A sink that stops because of it makes its state safe and throws
    /// <see cref="Errors.InterruptedException"/>; one that returns says that the flow is done.
    /// </summary>
    public CancellationToken StopRequested { get; init; }

    /// <summary>Set by a sink that resumes, before the source of its flow is read.</summary>
    public StreamPosition Resume { get; init; }

    /// <summary>
    /// Collects the named parts of every <see cref="IFingerprinted"/> stage of this graph. To be called while the graph runs or is
    /// asked for its commits, not while its stages are made.
    /// </summary>
    public Func<IReadOnlyDictionary<string, string>> Fingerprint { get; init; } = static () => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>A service of the run: the device, models, tokenizers.</summary>
    /// <exception cref="InvalidOperationException">The host does not provide it: a bug in this program.</exception>
    public T Service<T>() where T : class
        => (T?)Services.GetService(typeof(T))
            ?? throw new InvalidOperationException($"stage '{StageName}' needs a {typeof(T).Name}, which the host does not provide");
}

/// <summary>Part <paramref name="Index"/> of <paramref name="Count"/> of a flow's input, cut by row.</summary>
public readonly record struct Partition(int Index, int Count);

/// <summary>Takes records that cannot be used: counts them by reason and keeps them in the reject file.</summary>
public interface IRejects
{
    void Reject(DocumentId id, string reason, string message);
}
