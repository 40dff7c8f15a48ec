namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key of a training stage that may change when training continues from a checkpoint. Steps before the checkpoint keep what they were computed
/// with, later ones use the new value, and the run's report says so. A training that is done keeps its values.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TunableAttribute : Attribute;
