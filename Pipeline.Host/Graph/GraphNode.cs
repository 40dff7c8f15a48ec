using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>A stage in a graph, with the loop that drives it and a cancellation of its own.</summary>
internal sealed class GraphNode(string name, StageRole role, StageMeter meter, CancellationTokenSource cancellation)
{
    public string Name { get; } = name;

    public StageRole Role { get; } = role;

    public StageMeter Meter { get; } = meter;

    /// <summary>Cancelled with the graph, or alone when the stages after it need no more records.</summary>
    public CancellationTokenSource Cancellation { get; } = cancellation;

    /// <summary>The loop that drives the stage. The builder sets it when it adds the stage.</summary>
    public Func<CancellationToken, Task>? Work { get; set; }

    /// <summary>The gate that every delegate of the stage's block passes through.</summary>
    public DelegateGate Delegates { get; } = new();

    /// <summary>Whether a later stage ended before its input did, so that records may be left over.</summary>
    public bool CutShort { get; set; }
}
