using Pipeline.Contracts.Definitions;

namespace Pipeline.Contracts.Stages;

/// <summary>A file or folder that a stage leaves in the run folder.</summary>
/// <param name="Key">The path, from the stage on, of the key that names it.</param>
/// <param name="Path">Its path below the run folder, as the definition has it.</param>
/// <param name="Kind">What it contains.</param>
public sealed record StageOutput(string Key, string Path, OutputKind Kind)
{
    /// <summary>Of a model: the student that it is a version of, if the stage has a student of its own; otherwise null.</summary>
    public StudentDefinition? Student { get; init; }

    /// <summary>
    /// Whether only the run's own keys and <see cref="Student"/> decide it, such as a student before its first step. It may then exist before the stage
    /// has committed anything that depends on its other options.
    /// </summary>
    public bool IsBeginning { get; init; }

    /// <summary>Whether it is an intermediate output that definitions cannot name, such as the folder of checkpoints.</summary>
    public bool IsState { get; init; }
}

/// <summary>What a stage's output contains.</summary>
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

/// <summary>An output together with the flow that writes it.</summary>
/// <param name="Output">The output.</param>
/// <param name="Flow">The name of the flow.</param>
/// <param name="Index">The place of the flow among the run's flows, from 0.</param>
/// <param name="Facts">What the stages of this flow tell each other. It has no <see cref="FlowFacts.Outputs"/> of its own.</param>
public sealed record FlowOutput(StageOutput Output, string Flow, int Index, FlowFacts Facts);
