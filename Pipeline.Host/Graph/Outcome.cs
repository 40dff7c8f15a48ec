using System.Runtime.ExceptionServices;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Graph;

/// <summary>
/// What a map made of one record: its outputs, a reject, or a failure. Exceptions travel as values, because a block whose delegate throws
/// OperationCanceledException loses the record silently.
/// </summary>
/// <param name="Outputs">Empty if the record was rejected or the map failed.</param>
/// <param name="Rejected">Why the map cannot use the record.</param>
/// <param name="Failure">Any other exception of the map.</param>
/// <param name="RecordId">The record on which the map failed; null where there is no failure.</param>
internal readonly record struct Outcome<T>(IReadOnlyList<T> Outputs, RejectedException? Rejected, ExceptionDispatchInfo? Failure, string? RecordId);
