using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Reads a number from the distribution at each position, with its gradient with respect to the logits. The result must not depend on the scale of the
/// weights that stand for the distribution.
/// </summary>
internal interface IHeadReading
{
    /// <summary>Reads the positions of a slice. It may be called again for the same positions.</summary>
    /// <param name="slice">
    /// The slice. Its weights must be overwritten by the gradient of each position's number with respect to its logits, after the softcap if there is one.
    /// </param>
    /// <returns>[S] the numbers, float32.</returns>
    Tensor Read(HeadSlice slice);
}
