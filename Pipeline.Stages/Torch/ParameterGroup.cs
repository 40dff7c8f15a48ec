using TorchSharp.Modules;

namespace Pipeline.Stages.Torch;

/// <summary>Parameters that share a weight decay and a learning rate, which the schedule still multiplies by a factor.</summary>
internal sealed record ParameterGroup(IReadOnlyList<(string Name, Parameter Tensor)> Parameters, double LearningRate, double WeightDecay);
