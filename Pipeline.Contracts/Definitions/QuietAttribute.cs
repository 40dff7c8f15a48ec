namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key that was added to the program later. While it is null, the canonical text of a definition leaves it out. That text, and its hash, then
/// stay what they were, and run folders from before can continue.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class QuietAttribute : Attribute;
