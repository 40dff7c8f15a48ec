using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Student;

/// <summary>The objectives that a definition turns on, in the order of their keys.</summary>
internal static class ObjectiveFactory
{
    public static IReadOnlyList<IObjective> Create(ObjectivesOptions options, StudentModel student, StageContext context)
    {
        List<IObjective> objectives = [];
        if (options.Alm is { } alm) objectives.Add(new AlmObjective(alm));
        if (options.Sft is { } sft) objectives.Add(new SftObjective(sft));
        if (objectives.Count == 0)
            throw new DefinitionException($"stage '{context.StageName}': no objective; name one under \"objectives\", such as \"alm\": {{}}");
        return objectives;
    }

    /// <summary>Names in the order of <see cref="Create"/>, for metrics.</summary>
    public static string[] Names(this ObjectivesOptions options)
        => [.. new (string Name, object? Options)[] { ("alm", options.Alm), ("sft", options.Sft) }.Where(o => o.Options is not null).Select(o => o.Name)];
}
