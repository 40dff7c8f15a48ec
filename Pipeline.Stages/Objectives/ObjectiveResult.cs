using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The loss of a batch as a sum and what it is divided by. Over several batches the loss is Σ Sum / Σ Count, so a step
/// accumulated from small batches equals the step of one large batch.
/// </summary>
/// <param name="Sum">[] a scalar with a gradient graph.</param>
/// <param name="Count">0 when the batch holds nothing that counts; Sum is then 0.</param>
internal sealed record ObjectiveResult(Tensor Sum, double Count)
{
    /// <summary>The mean over this batch alone; 0 when nothing counts.</summary>
    public Tensor Mean() => Count > 0 ? Sum / Count : Sum;
}
