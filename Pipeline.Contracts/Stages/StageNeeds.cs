namespace Pipeline.Contracts.Stages;

/// <summary>What a stage reads of the run's definition besides its own options; checked before any work.</summary>
[Flags]
public enum StageNeeds
{
    None = 0,
    Teacher = 1,
    Student = 2,
}
