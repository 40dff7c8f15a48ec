using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// A map throws this for a record that it cannot use. The record leaves the flow, and the flow goes on. Other stages report to <see cref="IRejects"/>
/// instead.
/// </summary>
/// <param name="id">The document that is rejected.</param>
/// <param name="reason">See <see cref="Reason"/>.</param>
/// <param name="message">What is wrong with this record in particular.</param>
public sealed class RejectedException(DocumentId id, string reason, string message) : Exception(message)
{
    public DocumentId Id { get; } = id;

    /// <summary>
    /// A short phrase that is the same for all records rejected for this reason ("text is null", "longer than the limit"). Counts are grouped by it.
    /// </summary>
    public string Reason { get; } = reason;
}
