using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>The progress of a flow, as read from its files in the run folder.</summary>
/// <param name="Flow">The name of the flow.</param>
/// <param name="Done">Whether the whole flow is done.</param>
/// <param name="Parts">How many parts it has. Null if its sink does not commit parts.</param>
/// <param name="Committed">How many parts are done.</param>
/// <param name="Running">The parts, or the flow itself if it is one piece, that a process which may still live is working on.</param>
/// <param name="Failed">The last failure of each part that is neither done nor being worked on.</param>
/// <param name="Records">How many records the source has read, in work that is done.</param>
/// <param name="TeacherTokens">The teacher tokens in work that is done, as counted by the last stage that counts them. 0 if none does.</param>
/// <param name="Seconds">The time spent on work that is done, summed over all processes.</param>
/// <param name="Steps">The last step that a training flow has logged. Null for other flows.</param>
internal sealed record FlowStatus(
    string Flow, bool Done, int? Parts, int Committed, IReadOnlyList<RunningPart> Running, IReadOnlyList<PartRecord> Failed,
    long Records, long TeacherTokens, double Seconds, long? Steps)
{
    /// <summary>How many steps a training flow takes in all. Null for other flows.</summary>
    public long? OfSteps { get; init; }

    /// <summary>The median time of a step among those logged last. Null if fewer than two were logged.</summary>
    public double? SecondsPerStep { get; init; }

    /// <summary>What stages rejected in work that is done.</summary>
    public IReadOnlyList<RejectCount> Rejects { get; init; } = [];

    /// <summary>The time left if the rest goes as fast as the work so far. Null if the flow is done, and where the speed is unknown.</summary>
    public double? SecondsLeft => Done ? null
        : Parts is { } parts ? (SecondsPerPart * Math.Max(0, parts - Committed - Running.Sum(r => r.Live?.Share ?? 0)) / Math.Max(1, Running.Count))
        : OfSteps is { } of && Steps is { } step ? SecondsPerStep * Math.Max(0, of - step)
        : Running.Count > 0 && Running[0].Live is { } live ? live.SecondsOfWhole * (1 - live.Share) : null;

    // The mean over the parts that are done. Before the first is done, it is estimated from those in progress.
    private double? SecondsPerPart => Committed > 0 ? Seconds / Committed : Running.Select(r => r.Live?.SecondsOfWhole).Average();
}

/// <summary>A part, or a flow that is one piece, that a process is working on.</summary>
/// <param name="Part">The number of the part, from 0. Null for a flow that is one piece.</param>
/// <param name="Process">The machine, the process id and its start time.</param>
/// <param name="Silent">The time since its sign of life (<see cref="WorkMark"/>) was last written: about ten seconds at most while all is well.</param>
/// <param name="Live">How far it is, as its sign of life says. Null until it says something.</param>
internal sealed record RunningPart(int? Part, string Process, TimeSpan Silent, LiveCounts? Live);

/// <summary>How many records a stage rejected for one reason.</summary>
internal sealed record RejectCount(string Stage, string Reason, long Records);
