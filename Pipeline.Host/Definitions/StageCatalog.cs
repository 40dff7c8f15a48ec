using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Teacher;

namespace Pipeline.Host.Definitions;

/// <summary>The stages and teacher backends that a definition may name.</summary>
internal sealed class StageCatalog
{
    private readonly Dictionary<string, StageRegistration> _byName = new(StringComparer.Ordinal);

    /// <summary>Makes a catalog.</summary>
    /// <param name="stages">The stages. Their names must be distinct.</param>
    /// <param name="teachers">The teacher backends. Null stands for those of <see cref="TeacherTable"/>.</param>
    public StageCatalog(IReadOnlyList<StageRegistration> stages, IReadOnlyList<TeacherRegistration>? teachers = null)
    {
        Teachers = teachers ?? TeacherTable.All;
        foreach (StageRegistration stage in stages)
        {
            if (!_byName.TryAdd(stage.Name, stage))
                throw new InvalidOperationException($"two stages are registered as '{stage.Name}'");
        }
    }

    public IReadOnlyList<TeacherRegistration> Teachers { get; }

    public IEnumerable<string> Names => _byName.Keys.Order(StringComparer.Ordinal);

    public StageRegistration this[string name] => _byName[name];

    /// <summary>What the stages of a flow tell each other, and what the flows of its run write.</summary>
    public FlowFacts FactsOf(FlowDefinition flow, RunDefinition run)
    {
        FlowOutput[] outputs = [.. run.Flows.SelectMany((f, i) => OutputsOf(f).Select(o => new FlowOutput(o, f.Name, i, Facts(f) with { Index = i })))];
        return Facts(flow) with
        {
            TeacherNeeds = [.. flow.Stages.SelectMany(s => (s.Options as IAsksTeacher)?.TeacherNeeds.Select(n => n with { Key = $"{s.Name}.{n.Key}" }) ?? [])],
            ShardFolders = [.. run.Flows.SelectMany(f => Facts(f).ShardFolders)],
            Outputs = outputs,
            Index = Math.Max(0, run.Flows.ToList().FindIndex(f => f.Name == flow.Name)),
        };
    }

    /// <summary>The files and folders that a flow leaves in the run folder.</summary>
    public IEnumerable<StageOutput> OutputsOf(FlowDefinition flow) => flow.Stages.SelectMany(s => _byName[s.Kind.Value].Outputs(s.Options));

    private FlowFacts Facts(FlowDefinition flow)
        => flow.Stages.Aggregate(new FlowFacts(), (facts, stage) => _byName[stage.Kind.Value].AddFacts(stage.Options, facts));

    public bool TryGet(string name, out StageRegistration registration) => _byName.TryGetValue(name, out registration!);
}
