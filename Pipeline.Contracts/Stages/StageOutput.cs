using Pipeline.Contracts.Definitions;

namespace Pipeline.Contracts.Stages;

/// <summary>A file or folder that a stage leaves in the run folder.</summary>
/// <param name="Key">The key that names it, from the stage on.</param>
/// <param name="Path">As the definition names it, below the run folder.</param>
/// <param name="Kind">What it is.</param>
public sealed record StageOutput(string Key, string Path, OutputKind Kind)
{
    /// <summary>For a model: the student that it is a version of, if the stage has a student of its own.</summary>
    public StudentDefinition? Student { get; init; }

    /// <summary>
    /// Whether it is a function of the run's keys and of <see cref="Student"/> alone, so that it may exist before the stage has
    /// committed anything that depends on its other options.
    /// </summary>
    public bool IsBeginning { get; init; }

    /// <summary>An intermediate output that definitions cannot name, such as the folder of checkpoints.</summary>
    public bool IsState { get; init; }
}

/// <summary>What an output is.</summary>
public enum OutputKind
{
    Model,
    Adapter,
    Tokenizer,
    Shards,
    Hypernetwork,
    Sums,
    Edit,
    Text,
    Table,
    Report,
}

/// <summary>An output, and the flow that writes it.</summary>
/// <param name="Output">What.</param>
/// <param name="Flow">The flow's name.</param>
/// <param name="Index">Its place among the run's flows.</param>
/// <param name="Facts">What its stages say to each other.</param>
public sealed record FlowOutput(StageOutput Output, string Flow, int Index, FlowFacts Facts);
