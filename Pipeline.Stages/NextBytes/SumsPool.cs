namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What contexts say, to be used again: a batch has thousands of them, kilobytes each, and to allocate them costs as much as to sum. For several threads.
/// </summary>
internal sealed class SumsPool
{
    private readonly Lock _gate = new();
    private readonly Stack<NodeSums> _free = [];

    public NodeSums Take()
    {
        lock (_gate)
            return _free.TryPop(out NodeSums? sums) ? sums : new NodeSums();
    }

    /// <summary>Nobody reads them any more.</summary>
    public void GiveBack(IEnumerable<NodeSums> sums)
    {
        lock (_gate)
        {
            foreach (NodeSums one in sums)
                _free.Push(one);
        }
    }
}
