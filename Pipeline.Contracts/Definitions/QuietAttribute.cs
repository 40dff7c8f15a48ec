namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key that was added later: while it is null, canonical text leaves it out, so that older run folders
/// can continue.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class QuietAttribute : Attribute;
