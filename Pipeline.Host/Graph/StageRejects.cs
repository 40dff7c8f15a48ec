using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>Counts the rejects of one stage in one graph, and writes them to the reject log.</summary>
internal sealed class StageRejects(StageMeter meter, IRejectLog log, Partition? partition) : IRejects
{
    /// <summary>The reason under which the records are counted on which a stage failed.</summary>
    public const string FailedReason = "the stage failed on it";

    public void Reject(DocumentId id, string reason, string message) => Reject(id.ToString(), reason, message);

    public void Reject(string id, string reason, string message)
    {
        meter.Rejected(reason);
        log.Append(RejectLine.Of(meter.Flow, partition, meter.Stage, id, reason, message));
    }

    /// <summary>Counts a record on which the stage failed, and keeps the whole exception with its stack trace.</summary>
    public void Failed(string id, Exception cause)
    {
        meter.Failed();
        Reject(id, FailedReason, cause.ToString());
    }
}
