using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Runs;

/// <summary>The progress of a run, as read from its folder.</summary>
/// <param name="Name">The name in the definition.</param>
/// <param name="State">Whether a process is working in the folder, or the run is done.</param>
/// <param name="Process">The process that holds the folder, or that held it last and ended without releasing it. Null if there is none.</param>
/// <param name="Silent">The time since one of the run's own files was last written.</param>
/// <param name="Flows">The flows, in the order of the definition.</param>
internal sealed record RunStatus(string Name, RunState State, ProcessIdentity? Process, TimeSpan Silent, IReadOnlyList<FlowStatus> Flows);

/// <summary>Whether a run is in progress.</summary>
internal enum RunState
{
    /// <summary>No process is working, and not everything is done.</summary>
    Stopped,

    /// <summary>A process is working. On this machine that is certain; on another it is assumed from its last sign of life.</summary>
    Running,

    /// <summary>All flows are done, and the report is written.</summary>
    Done,
}
