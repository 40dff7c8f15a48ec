namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key that came after definitions had been hashed: while it is null, canonical text does not have it, so that run folders of before
/// go on.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class QuietAttribute : Attribute;
