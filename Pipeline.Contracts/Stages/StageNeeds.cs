namespace Pipeline.Contracts.Stages;

/// <summary>Parts of the definition that a stage reads besides its own options. A definition without them is refused before any work.</summary>
[Flags]
public enum StageNeeds
{
    None = 0,
    Teacher = 1,
    Student = 2,
}
