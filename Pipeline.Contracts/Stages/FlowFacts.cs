using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// What the stages of a flow tell each other. Every stage adds its own facts, from its options alone and in the order of the flow, before any
/// stage is made; so no stage needs to know which other stages are in the flow.
/// </summary>
public sealed record FlowFacts
{
    /// <summary>Tokens that a document may have under the teacher's tokenizer; null where no stage limits them.</summary>
    public int? MaxTeacherTokens { get; init; }

    /// <summary>Tokens that a document may have under the student's tokenizer; null where no stage limits them.</summary>
    public int? MaxStudentTokens { get; init; }

    /// <summary>Student tokens of a batch, padding included; null where no stage makes batches.</summary>
    public int? BatchTokens { get; init; }

    /// <summary>The student that the flow trains, where it is not the definition's own.</summary>
    public StudentDefinition? Student { get; init; }

    /// <summary>Parts of the fingerprint of the input that a stage of the flow replaces.</summary>
    public IReadOnlyList<string> ReplacedParts { get; init; } = [];

    /// <summary>Whether the flow's teacher gives next bytes; null if the flow runs no teacher.</summary>
    public bool? NextBytes { get; init; }

    /// <summary>What scores that were made elsewhere say about their teacher; null if the flow reads none.</summary>
    public TeacherAbilities? ImportedScores { get; init; }

    /// <summary>Folders that shards are written to, by this flow or any other of the run, as the definition names them.</summary>
    public IReadOnlyList<string> ShardFolders { get; init; } = [];

    /// <summary>Folders that the flow reads shards from, as the definition names them.</summary>
    public IReadOnlyList<string> ShardsRead { get; init; } = [];

    /// <summary>What the flow's stages need from a teacher; keys begin with the stage's name.</summary>
    public IReadOnlyList<TeacherNeed> TeacherNeeds { get; init; } = [];

    /// <summary>What all flows of the run write, in their order. Empty while the facts of a flow are still being collected.</summary>
    public IReadOnlyList<FlowOutput> Outputs { get; init; } = [];

    /// <summary>The flow's place among the run's.</summary>
    public int Index { get; init; }

    /// <summary>Outputs of the flows before this one: what it may read as <c>run:NAME</c>.</summary>
    public IEnumerable<FlowOutput> Earlier => Outputs.Where(o => o.Index < Index);
}
