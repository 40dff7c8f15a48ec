using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>
/// A network that predicts the embeddings of tokens from the pieces that a source tokenizer cuts their bytes into. To be used on the device's thread.
/// It owns its weights. R tokens, S pieces at most, V source rows, D width of the model, M matrices (1 where embeddings are tied, 2 for input and
/// output).
/// </summary>
internal interface IHypernetwork : IDisposable
{
    /// <summary>The id that follows the last piece of a form.</summary>
    int Pad { get; }

    /// <summary>S, the number of pieces of the longest form.</summary>
    int Length { get; }

    /// <summary>All weights by name, in ordinal order of the names.</summary>
    IReadOnlyList<(string Name, Parameter Tensor)> Parameters { get; }

    /// <summary>Whether training changes the weight with this name.</summary>
    bool IsTrained(string name);

    /// <summary>Predicts embeddings.</summary>
    /// <param name="source_VMD">The model's own embeddings, without gradient.</param>
    /// <param name="forms_RS">int64 ids of the pieces. Ids from V on are rows of the extra embeddings.</param>
    /// <returns>[R, M, D], in the caller's dispose scope.</returns>
    Tensor Predict(Tensor source_VMD, Tensor forms_RS);
}
