using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Runs;

/// <summary>How far a run is, as its folder says.</summary>
/// <param name="Name">The definition's.</param>
/// <param name="State">Whether any process is working in it.</param>
/// <param name="Process">Who holds the folder, or held it last without giving it back; null: nobody.</param>
/// <param name="Silent">Since anything of the host's own was written there.</param>
/// <param name="Flows">In the order of the definition.</param>
internal sealed record RunStatus(string Name, RunState State, ProcessIdentity? Process, TimeSpan Silent, IReadOnlyList<FlowStatus> Flows);

internal enum RunState
{
    /// <summary>No process is working, and not everything is done.</summary>
    Stopped,

    /// <summary>A process is working: certainly, if it is on this machine; as far as its last sign of life says, if on another.</summary>
    Running,

    /// <summary>The report is written.</summary>
    Done,
}
