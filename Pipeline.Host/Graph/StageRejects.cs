using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>The rejects of one stage in one graph: counted, and kept in the reject log.</summary>
internal sealed class StageRejects(StageMeter meter, IRejectLog log, Partition? partition) : IRejects
{
    /// <summary>The reason under which records that a stage failed on are counted.</summary>
    public const string FailedReason = "the stage failed on it";

    public void Reject(DocumentId id, string reason, string message) => Reject(id.ToString(), reason, message);

    public void Reject(string id, string reason, string message)
    {
        meter.Rejected(reason);
        log.Append(RejectLine.Of(meter.Flow, partition, meter.Stage, id, reason, message));
    }

    public void Failed(string id, Exception cause)
    {
        meter.Failed();
        Reject(id, FailedReason, cause.ToString());
    }
}
