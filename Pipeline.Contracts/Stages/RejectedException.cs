using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// This record cannot be used. <see cref="Reason"/> is a short fixed phrase that counts group by ("text is null", "longer than the
/// limit"); the message has the particulars.
/// </summary>
public sealed class RejectedException(DocumentId id, string reason, string message) : Exception(message)
{
    public DocumentId Id { get; } = id;

    public string Reason { get; } = reason;
}
