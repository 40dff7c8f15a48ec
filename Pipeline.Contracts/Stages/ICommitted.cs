namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink whose output is committed once: output that exists and belongs to this run's definition is not computed again. The output is one part,
/// number 0; that of an <see cref="IPartitioned"/> sink is several.
/// </summary>
public interface ICommitted
{
    /// <summary>Whether the part is committed and belongs to this run's definition; it is then not computed again.</summary>
    /// <exception cref="Errors.InputException">It exists, but was made from something else.</exception>
    bool IsCommitted(int part);

    /// <summary>
    /// Whether the part exists, without looking into it. Asked for a flow that is done, so that a part that someone deleted is computed
    /// again; cheap, because nothing else of the flow is made for it.
    /// </summary>
    bool IsPresent(int part);

    /// <summary>
    /// Makes the part that <c>RunAsync</c> wrote visible, in one step. Called once after it has returned, when the part's counts are on
    /// disk: an output that exists has its counts. A sink whose <c>RunAsync</c> commits by itself leaves this empty.
    /// </summary>
    void Commit()
    {
    }
}
