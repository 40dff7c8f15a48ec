using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>A number that is read of the distribution at each position, with its gradient by the logits. Does not depend on the distribution's scale.</summary>
internal interface IHeadReading
{
    /// <summary>The positions of a slice; the same ones may come again.</summary>
    /// <param name="slice">The weights become the gradient of each position's number by its logits.</param>
    /// <returns>[S] the numbers, float32.</returns>
    Tensor Read(HeadSlice slice);
}
