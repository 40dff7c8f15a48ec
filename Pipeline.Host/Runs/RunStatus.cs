using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Runs;

/// <summary>How far a run is, as its folder says.</summary>
/// <param name="Name">The definition's.</param>
/// <param name="State">Whether anybody is at work in it.</param>
/// <param name="Process">Who holds the folder, or held it last without giving it back; null: nobody.</param>
/// <param name="Silent">Since anything of the host's own was written there.</param>
/// <param name="Flows">In the order of the definition.</param>
internal sealed record RunStatus(string Name, RunState State, ProcessIdentity? Process, TimeSpan Silent, IReadOnlyList<FlowStatus> Flows);

internal enum RunState
{
    /// <summary>Nobody is at work, and not all is done.</summary>
    Stopped,

    /// <summary>A process is at work: of this machine for certain, of another as far as it was heard of lately.</summary>
    Running,

    /// <summary>The report is written.</summary>
    Done,
}
