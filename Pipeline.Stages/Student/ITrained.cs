using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Objectives.Combine;
using static TorchSharp.torch;
using AdamW = Pipeline.Stages.Torch.AdamW;

namespace Pipeline.Stages.Student;

/// <summary>What a checkpoint keeps of a trainer. The tensors are the live ones.</summary>
internal interface ITrained
{
    IReadOnlyList<(string Name, Tensor Tensor)> Weights { get; }

    AdamW Optimizer { get; }

    IGradientCombination Rule { get; }

    /// <summary>What a checkpoint keeps of the weights.</summary>
    IReadOnlyList<TensorSource> WeightFile { get; }

    /// <summary>What a checkpoint keeps of the optimizer.</summary>
    IReadOnlyList<TensorSource> OptimizerFile { get; }

    /// <summary>Whether what the optimizer's file has under a name is kept here.</summary>
    bool Keeps(string name);

    /// <summary>To be called after the live tensors were written to.</summary>
    void WeightsChanged();
}
