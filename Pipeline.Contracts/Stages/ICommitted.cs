namespace Pipeline.Contracts.Stages;

/// <summary>
/// A sink that commits its output: once the output exists and belongs to this run's definition, it is not computed again. The output is a single part,
/// number 0, unless the sink is <see cref="IPartitioned"/>.
/// </summary>
public interface ICommitted
{
    /// <summary>
    /// Whether a part is committed and belongs to this run's definition. If so, it is not computed again. This may check the content of the part.
    /// </summary>
    /// <exception cref="Errors.InputException">The part exists, but was made from something else.</exception>
    bool IsCommitted(int part);

    /// <summary>
    /// Whether a part exists, without looking into it. The host asks this of a flow that is done, so that a part which someone deleted is computed
    /// again. It must be cheap, and must not need the other stages of the flow, because only the sink is made for it.
    /// </summary>
    bool IsPresent(int part);

    /// <summary>
    /// Makes the part that <c>RunAsync</c> wrote visible, in one step. The host calls it once after <c>RunAsync</c> has returned and the counts of the
    /// part are on disk, so that a part that exists always has its counts. A sink whose <c>RunAsync</c> already makes its output visible leaves this
    /// empty.
    /// </summary>
    void Commit()
    {
    }
}
