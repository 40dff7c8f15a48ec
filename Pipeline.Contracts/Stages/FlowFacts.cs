using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Contracts.Stages;

/// <summary>
/// What the stages of a flow tell each other. Each stage adds facts that follow from its options alone. This happens in the order of the flow and
/// before any stage is made, so that no stage needs to know which other stages the flow has.
/// </summary>
public sealed record FlowFacts
{
    /// <summary>The most tokens that a document may have under the teacher's tokenizer; null if no stage limits them.</summary>
    public int? MaxTeacherTokens { get; init; }

    /// <summary>The most tokens that a document may have under the student's tokenizer; null if no stage limits them.</summary>
    public int? MaxStudentTokens { get; init; }

    /// <summary>The most student tokens of a batch, padding included; null if no stage makes batches.</summary>
    public int? BatchTokens { get; init; }

    /// <summary>The student that the flow trains, if its stage names one; null if it is the definition's.</summary>
    public StudentDefinition? Student { get; init; }

    /// <summary>
    /// Names of fingerprint parts that do not have to match in shards that the flow reads, because a stage of the flow makes these parts anew.
    /// </summary>
    public IReadOnlyList<string> ReplacedParts { get; init; } = [];

    /// <summary>Whether the flow's teacher gives next bytes; null if the flow does not score.</summary>
    public bool? NextBytes { get; init; }

    /// <summary>What is known from scores that were made elsewhere; null if the flow imports none.</summary>
    public TeacherAbilities? ImportedScores { get; init; }

    /// <summary>The folders that any flow of the run writes shards to, as the definition names them.</summary>
    public IReadOnlyList<string> ShardFolders { get; init; } = [];

    /// <summary>The folders that this flow reads shards from, as the definition names them.</summary>
    public IReadOnlyList<string> ShardsRead { get; init; } = [];

    /// <summary>What the flow's stages need from a teacher. Each key begins with the name of the stage.</summary>
    public IReadOnlyList<TeacherNeed> TeacherNeeds { get; init; } = [];

    /// <summary>What all flows of the run write, in the order of the flows. It is empty while facts are still being collected.</summary>
    public IReadOnlyList<FlowOutput> Outputs { get; init; } = [];

    /// <summary>The flow's place among the run's flows, from 0.</summary>
    public int Index { get; init; }

    /// <summary>The outputs of the flows before this one. These are what the flow may read as <c>run:NAME</c>.</summary>
    public IEnumerable<FlowOutput> Earlier => Outputs.Where(o => o.Index < Index);
}
