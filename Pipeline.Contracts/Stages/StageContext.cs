using System.Collections.ObjectModel;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Stages;

/// <summary>What a stage is given beside its options: everything that varies. A stage opens no path it was not handed.</summary>
/// <param name="Definition">The resolved definition of the run.</param>
/// <param name="Flow">The flow this stage stands in, with the options of its neighbours.</param>
/// <param name="StageName">The stage's name inside its flow.</param>
/// <param name="RunFolder">Full path; everything a run writes is below it.</param>
/// <param name="Storage">All files go through it.</param>
/// <param name="Meter">Counts and scalars.</param>
/// <param name="Rejects">Where a source, stream or sink hands a record it cannot use.</param>
/// <param name="Services">Device, models and tokenizers, loaded once and shared by the flows of a run.</param>
/// <param name="Partition">Which part of the sink's output this graph computes; null for a whole flow.</param>
/// <param name="Time">The clock.</param>
public sealed record StageContext(
    RunDefinition Definition,
    FlowDefinition Flow,
    string StageName,
    string RunFolder,
    IStorage Storage,
    IStageMeter Meter,
    IRejects Rejects,
    IServiceProvider Services,
    Partition? Partition,
    TimeProvider Time)
{
    /// <summary>
    /// Cancelled when the user asks for a stop at the next safe point (Ctrl-C, SIGTERM). Only a sink is given it: a source that ended
    /// for it would tell its sink that the input is complete. A sink that stops for it makes its state safe and throws
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

    /// <summary>What the records that a stage reads must be made from, as far as the definition says.</summary>
    public Func<IReadOnlyDictionary<string, string>> Expected { get; init; } = static () => ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>Part <paramref name="Index"/> of <paramref name="Count"/> of a flow's input, cut by row.</summary>
public readonly record struct Partition(int Index, int Count);

/// <summary>Takes records that cannot be used: counts them by reason and keeps them in the reject file.</summary>
public interface IRejects
{
    void Reject(DocumentId id, string reason, string message);
}
