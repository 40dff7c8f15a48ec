namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key whose change only extends a run (more steps, more epochs, other reporting): a run folder begun with another value continues
/// instead of being refused. Every key without it affects the results.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExtendsAttribute : Attribute;
