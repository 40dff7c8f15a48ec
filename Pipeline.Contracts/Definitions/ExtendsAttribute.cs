namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Marks a key that only extends a run, such as the number of steps or epochs, or what is reported. A run folder that was begun with another value
/// continues with the new one. Any other key counts as affecting results: once such results are committed, the run folder is refused if the key has
/// changed, unless it is marked with <see cref="TunableAttribute"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ExtendsAttribute : Attribute;
