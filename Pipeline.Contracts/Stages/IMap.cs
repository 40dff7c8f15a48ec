namespace Pipeline.Contracts.Stages;

/// <summary>
/// One record to none, one or several, each on its own: the host runs it in parallel and keeps the order. Called from many threads
/// at once; working memory belongs to a pool inside the stage.
/// </summary>
public interface IMap<in TIn, out TOut>
{
    /// <exception cref="RejectedException">The record cannot be used; it is counted and written to the reject file.</exception>
    IReadOnlyList<TOut> Map(TIn input);
}
