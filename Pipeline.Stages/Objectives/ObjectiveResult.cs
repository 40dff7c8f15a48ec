using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The loss of a batch, as a sum and the count that it is divided by. The loss of several batches is Σ Sum / Σ Count. A step that accumulates small
/// batches therefore equals the step of one large batch.
/// </summary>
/// <param name="Sum">[] a scalar with its gradient graph.</param>
/// <param name="Count">The denominator. It is 0 where nothing in the batch counts, and then Sum is 0 too.</param>
internal sealed record ObjectiveResult(Tensor Sum, double Count)
{
    /// <summary>The loss of this batch alone; 0 where nothing counts.</summary>
    public Tensor Mean() => Count > 0 ? Sum / Count : Sum;
}
