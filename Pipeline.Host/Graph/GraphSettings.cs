namespace Pipeline.Host.Graph;

/// <summary>Settings that all graphs of a run share.</summary>
/// <param name="Parallelism">How many threads a map uses.</param>
/// <param name="Queue">The bounds of every queue.</param>
internal sealed record GraphSettings(int Parallelism, QueueBounds Queue)
{
    public GraphSettings(int parallelism)
        : this(parallelism, QueueBounds.Default)
    {
    }
}
