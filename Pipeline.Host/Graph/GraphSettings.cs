namespace Pipeline.Host.Graph;

/// <summary>What the graphs of a run share.</summary>
/// <param name="Parallelism">Threads of a map.</param>
/// <param name="Queue">Bounds of every queue.</param>
internal sealed record GraphSettings(int Parallelism, QueueBounds Queue)
{
    public GraphSettings(int parallelism)
        : this(parallelism, QueueBounds.Default)
    {
    }
}
