namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that turns each record into none, one or several others, independently of the records around it. The host calls it for many records at once
/// and keeps the order of the input.
/// </summary>
public interface IMap<in TIn, out TOut>
{
    /// <summary>
    /// Turns one record into others. Several threads call it at once, so working memory that is used again belongs in a pool inside the stage.
    /// </summary>
    /// <returns>The new records, in order. The host takes them by index, one at a time, as the queue to the next stage has room.</returns>
    /// <exception cref="RejectedException">
    /// The record cannot be used. It is counted by reason and named in the reject file, and the flow goes on.
    /// </exception>
    /// <exception cref="Errors.AlmException">The user has to act. The run ends, as it does when memory runs out.</exception>
    /// <remarks>
    /// Any other exception counts as a bug of the stage on this record. The record is named in the reject file, and the run ends once more records have
    /// failed than the definition's <c>maxFailedRecords</c> allows.
    /// </remarks>
    IReadOnlyList<TOut> Map(TIn input);
}
