using System.Runtime.ExceptionServices;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Graph;

/// <summary>
/// What a map made of one record. Exceptions travel as values: a delegate of a block that throws OperationCanceledException would
/// lose its record silently.
/// </summary>
internal readonly record struct Outcome<T>(IReadOnlyList<T> Outputs, RejectedException? Rejected, ExceptionDispatchInfo? Failure, string? RecordId);
