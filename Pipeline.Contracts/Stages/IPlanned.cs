namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stage that can estimate, before any work, what it will cost. <c>alm check</c> prints the estimates. Planning writes nothing. The host asks the
/// stages in the order of the flow.
/// </summary>
public interface IPlanned
{
    /// <summary>Estimates the stage's output and its cost.</summary>
    /// <param name="records">The number of records expected from the stage before; null if it is unknown, and for a source.</param>
    StagePlan Plan(long? records);
}

/// <summary>What a stage expects of its own work.</summary>
/// <param name="Records">The number of records that it will give; null if it cannot say.</param>
/// <param name="Lines">Figures that a user may want to see before the run.</param>
public sealed record StagePlan(long? Records, IReadOnlyList<PlanLine> Lines);

/// <summary>One figure of a plan.</summary>
/// <param name="What">What the figure is about: "tokens", "on disk", "peak memory", "work", "time".</param>
/// <param name="Amount">The figure, in the unit.</param>
/// <param name="Unit">Decides how it is printed.</param>
/// <param name="Note">How it was estimated, if that is not obvious.</param>
public sealed record PlanLine(string What, double Amount, PlanUnit Unit, string? Note = null);

/// <summary>The units in which a plan's figures are given.</summary>
public enum PlanUnit
{
    /// <summary>A plain number: rows, tokens, parameters.</summary>
    Count,
    Bytes,
    FloatingPointOperations,
    Seconds,
}
