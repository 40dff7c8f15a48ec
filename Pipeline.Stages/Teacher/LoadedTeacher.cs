using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>A teacher in memory. Belongs to the device's thread.</summary>
/// <param name="Model">Its weights.</param>
/// <param name="BoundaryMask_V">Its boundary tokens.</param>
/// <param name="ValidRows">Rows of the head that are tokens.</param>
/// <param name="Expansion">Where the teacher is itself a byte-level student with input expansion.</param>
internal sealed record LoadedTeacher(CausalLm Model, Tensor BoundaryMask_V, int ValidRows, ExpandedInput? Expansion) : IDisposable
{
    /// <summary>What goes into the first layer, [B, T, H].</summary>
    public Tensor Embed(Tensor ids_BT) => Expansion?.Embed(Model, ids_BT) ?? Model.Embed(ids_BT);

    public void Dispose()
    {
        Expansion?.Dispose();
        BoundaryMask_V.Dispose();
        Model.Dispose();
    }
}
