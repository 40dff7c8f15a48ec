using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>How far a flow is, as its files in the run folder say.</summary>
/// <param name="Flow">Its name.</param>
/// <param name="Done">Whether a run found it done.</param>
/// <param name="Parts">Parts it has; null for one piece, and where that is not known.</param>
/// <param name="Committed">Parts that are done.</param>
/// <param name="Running">Parts that processes are at, or the flow itself where it is one piece, as far as they may still live.</param>
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
        : Parts is { } parts ? (SecondsPerPart * Math.Max(0, parts - Committed - Running.Sum(r => r.Live?.Share ?? 0)) / Math.Max(1, Running.Count))
        : OfSteps is { } of && Steps is { } step ? SecondsPerStep * Math.Max(0, of - step)
        : Running.Count > 0 && Running[0].Live is { } live ? live.SecondsOfWhole * (1 - live.Share) : null;

    // Of parts that are done; before the first is, as far as those are that are being done.
    private double? SecondsPerPart => Committed > 0 ? Seconds / Committed : Running.Select(r => r.Live?.SecondsOfWhole).Average();
}

/// <param name="Part">Number, from 0; null for a flow that is one piece.</param>
/// <param name="Process">Machine, process and start time.</param>
/// <param name="Silent">Time since its sign of life was last written; at most ten seconds while all is well.</param>
/// <param name="Live">How far it is, as its sign of life says; null while it says nothing.</param>
internal sealed record RunningPart(int? Part, string Process, TimeSpan Silent, LiveCounts? Live);

/// <param name="Stage">Which rejected.</param>
/// <param name="Reason">Why.</param>
/// <param name="Records">How many.</param>
internal sealed record RejectCount(string Stage, string Reason, long Records);
