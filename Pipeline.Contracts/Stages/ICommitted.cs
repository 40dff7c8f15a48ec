namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink whose output is committed once: what is there and belongs to this run's definition is not computed again. Its output is one part,
/// number 0; an <see cref="IPartitioned"/> one has several.
/// </summary>
public interface ICommitted
{
    /// <summary>Whether the part is committed and belongs to this run's definition; it is then not computed again.</summary>
    /// <exception cref="Errors.InputException">It is there, but made from something else.</exception>
    bool IsCommitted(int part);

    /// <summary>
    /// Whether the part is there, without looking into it. Asked of a flow that is done, so that a part that someone deleted is computed
    /// again; cheap, because nothing else of the flow is made for it.
    /// </summary>
    bool IsPresent(int part);

    /// <summary>
    /// Makes the part that <c>RunAsync</c> wrote visible, in one step. Called once after it returned, when what the part counted is on
    /// disk: an output that is there has its counts. A sink whose <c>RunAsync</c> commits by itself leaves this empty.
    /// </summary>
    void Commit()
    {
    }
}
