using TorchSharp.Modules;

namespace Pipeline.Stages.Torch;

/// <summary>Parameters that share a learning rate (before the schedule's factor) and a weight decay.</summary>
internal sealed record ParameterGroup(IReadOnlyList<(string Name, Parameter Tensor)> Parameters, double LearningRate, double WeightDecay);
