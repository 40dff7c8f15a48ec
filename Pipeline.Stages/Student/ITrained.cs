using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Objectives.Combine;
using static TorchSharp.torch;
using AdamW = Pipeline.Stages.Torch.AdamW;

namespace Pipeline.Stages.Student;

/// <summary>What a checkpoint stores of a trainer, and restores.</summary>
internal interface ITrained
{
    /// <summary>The weights that are updated here, as live tensors.</summary>
    IReadOnlyList<(string Name, Tensor Tensor)> Weights { get; }

    AdamW Optimizer { get; }

    IGradientCombination Rule { get; }

    /// <summary>The weights, as they are to be written.</summary>
    IReadOnlyList<TensorSource> WeightFile { get; }

    /// <summary>The optimizer's state, as it is to be written.</summary>
    IReadOnlyList<TensorSource> OptimizerFile { get; }

    /// <summary>Whether the entry with this name in the optimizer's file is restored here.</summary>
    bool Keeps(string name);

    /// <summary>Must be called after the tensors of <see cref="Weights"/> were written to.</summary>
    void WeightsChanged();
}
