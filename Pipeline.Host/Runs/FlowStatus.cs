using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>How far a flow is, as its files in the run folder say.</summary>
/// <param name="Flow">Its name.</param>
/// <param name="Done">Whether a run found it done.</param>
/// <param name="Parts">Parts it has; null for one piece, and where that is not known.</param>
/// <param name="Committed">Parts that are done.</param>
/// <param name="Running">Parts that processes are at, as far as they may still live.</param>
/// <param name="Failed">The last failure of each part that is not done.</param>
/// <param name="Records">Records that went in, over the parts that are done.</param>
/// <param name="TeacherTokens">Teacher tokens of what came out, by the last stage that counts them; 0 where none does.</param>
/// <param name="Seconds">Time spent on them, over all processes.</param>
/// <param name="Steps">The last step that a training flow logged; null for other flows.</param>
internal sealed record FlowStatus(
    string Flow, bool Done, int? Parts, int Committed, IReadOnlyList<RunningPart> Running, IReadOnlyList<PartRecord> Failed,
    long Records, long TeacherTokens, double Seconds, long? Steps)
{
    /// <summary>Steps that a training flow is to take; null for other flows.</summary>
    public long? OfSteps { get; init; }

    /// <summary>Of the last steps that were logged; null where fewer than two were.</summary>
    public double? SecondsPerStep { get; init; }

    /// <summary>What stages rejected in what is committed.</summary>
    public IReadOnlyList<RejectCount> Rejects { get; init; } = [];

    /// <summary>When the rest goes as what was done so far; null where nothing says how fast that is.</summary>
    public double? SecondsLeft => Done ? null
        : Parts is { } parts ? (Committed > 0 && Running.Count > 0 ? (parts - Committed) * Seconds / Committed / Running.Count : null)
        : OfSteps is { } of && Steps is { } step ? SecondsPerStep * Math.Max(0, of - step) : null;
}

/// <param name="Part">Number, from 0.</param>
/// <param name="Process">Machine, process and start mark.</param>
/// <param name="Silent">Since its mark was last written; half a minute at most while all is well.</param>
internal sealed record RunningPart(int Part, string Process, TimeSpan Silent);

/// <param name="Stage">Which rejected.</param>
/// <param name="Reason">Why.</param>
/// <param name="Records">How many.</param>
internal sealed record RejectCount(string Stage, string Reason, long Records);
