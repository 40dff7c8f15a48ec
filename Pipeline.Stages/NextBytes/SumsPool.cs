namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Keeps the sums of contexts for use by later contexts. A batch has thousands of them, each of some kilobytes, and allocating them would cost as
/// much as computing them. Safe for several threads.
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

    /// <summary>Takes back sums that nobody reads any more.</summary>
    public void GiveBack(IEnumerable<NodeSums> sums)
    {
        lock (_gate)
        {
            foreach (NodeSums one in sums)
                _free.Push(one);
        }
    }
}
