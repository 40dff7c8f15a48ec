namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key whose change only extends a run (more steps, more epochs, other reporting): a run folder begun with another value goes
/// on instead of being refused. Everything without it decides what the results are.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExtendsAttribute : Attribute;
