namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink whose output is a fixed number of parts, each computed by a graph of its own from its own range of the input, so that what
/// a part holds never depends on which others were computed in the same run.
/// </summary>
public interface IPartitioned
{
    int PartitionCount { get; }

    /// <summary>Whether the part is committed and belongs to this run's definition; it is then not computed again.</summary>
    /// <exception cref="Errors.InputException">It is there, but made from something else.</exception>
    bool IsCommitted(int partition);

    /// <summary>
    /// Whether the part is there, without looking into it. Asked of a flow that is done, so that a part that someone deleted is computed
    /// again; cheap, because nothing else of the flow is made for it.
    /// </summary>
    bool IsPresent(int partition) => true;

    /// <summary>
    /// Makes the part that <c>RunAsync</c> wrote visible, in one step. Called once after it returned, when what the part counted is on
    /// disk: an output that is there has its counts. A sink whose <c>RunAsync</c> commits by itself leaves this empty.
    /// </summary>
    void Commit()
    {
    }
}
