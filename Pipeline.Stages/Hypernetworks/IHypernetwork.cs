using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>
/// A network that predicts embeddings of tokens from what a source tokenizer cuts their bytes into. R rows (tokens), S pieces at most,
/// V source rows, D width of the model, M matrices (1 tied, 2 input and output). Belongs to the device's thread; its tensors are its own.
/// </summary>
internal interface IHypernetwork : IDisposable
{
    /// <summary>What follows the last piece of a form.</summary>
    int Pad { get; }

    /// <summary>S: the longest form.</summary>
    int Length { get; }

    /// <summary>Every weight by its name, in ordinal order.</summary>
    IReadOnlyList<(string Name, Parameter Tensor)> Parameters { get; }

    /// <summary>Whether training changes the weight.</summary>
    bool IsTrained(string name);

    /// <param name="source_VMD">The model's own embeddings, without gradient.</param>
    /// <param name="forms_RS">int64 ids; from V on rows of the extra embeddings.</param>
    /// <returns>[R, M, D], in the caller's scope.</returns>
    Tensor Predict(Tensor source_VMD, Tensor forms_RS);
}
