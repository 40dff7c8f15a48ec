using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>One stage of a graph under construction: the loop that drives it, its own cancellation, and what must have ended before the stage is disposed.</summary>
internal sealed class GraphNode(string name, StageRole role, StageMeter meter, CancellationTokenSource cancellation)
{
    public string Name { get; } = name;

    public StageRole Role { get; } = role;

    public StageMeter Meter { get; } = meter;

    /// <summary>Cancelled with the graph, or alone when the stages behind need no more.</summary>
    public CancellationTokenSource Cancellation { get; } = cancellation;

    public Func<CancellationToken, Task>? Work { get; set; }

    public List<Task> Blocks { get; } = [];

    /// <summary>Set when a later stage ended before its input did.</summary>
    public bool CutShort { get; set; }
}
