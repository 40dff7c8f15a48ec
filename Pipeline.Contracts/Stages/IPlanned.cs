namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that can say before any work what it will cost: lines for <c>alm check</c>. Nothing is written while planning. A stage is
/// asked in the order of the flow, each with the number of records that the one before expects to produce.
/// </summary>
public interface IPlanned
{
    /// <param name="records">Records expected from the stage before; null when unknown, and for a source.</param>
    StagePlan Plan(long? records);
}

/// <summary>What a stage expects.</summary>
/// <param name="Records">Records it will produce; null if it cannot say.</param>
/// <param name="Lines">Figures worth reading.</param>
public sealed record StagePlan(long? Records, IReadOnlyList<PlanLine> Lines);

/// <summary>One figure of a plan.</summary>
/// <param name="What">"tokens", "on disk", "peak memory", "work", "time".</param>
/// <param name="Amount">The figure.</param>
/// <param name="Unit">How it is shown.</param>
/// <param name="Note">How it was estimated, if that is not obvious.</param>
public sealed record PlanLine(string What, double Amount, PlanUnit Unit, string? Note = null);

/// <summary>Units of a plan's figures.</summary>
public enum PlanUnit
{
    /// <summary>A plain number: rows, tokens, parameters.</summary>
    Count,
    Bytes,
    FloatingPointOperations,
    Seconds,
}
