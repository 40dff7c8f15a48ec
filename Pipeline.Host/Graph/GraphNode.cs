using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>One stage of a graph under construction: the loop that drives it, and its own cancellation.</summary>
internal sealed class GraphNode(string name, StageRole role, StageMeter meter, CancellationTokenSource cancellation)
{
    public string Name { get; } = name;

    public StageRole Role { get; } = role;

    public StageMeter Meter { get; } = meter;

    /// <summary>Cancelled with the graph, or by itself when the stages after it need no more.</summary>
    public CancellationTokenSource Cancellation { get; } = cancellation;

    public Func<CancellationToken, Task>? Work { get; set; }

    /// <summary>The gate that the delegates of the stage's block go through.</summary>
    public DelegateGate Delegates { get; } = new();

    /// <summary>Set when a later stage ended before its input did.</summary>
    public bool CutShort { get; set; }
}
