using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Objectives;

/// <summary>Every objective, in the order in which they are computed. A new one is a key of <see cref="ObjectivesOptions"/> and one line here.</summary>
internal static class ObjectiveTable
{
    public static IReadOnlyList<ObjectiveRow> All { get; } =
    [
        AlmObjective.Row,
        SftObjective.Row,
        BytesObjective.RowOfBytes,
        BytesObjective.RowOfSubwords,
        LatentsObjective.Row,
        DskdObjective.Row,
        UldObjective.Row,
        MinedObjective.Row,
    ];

    /// <summary>Those that a run has.</summary>
    public static IEnumerable<ObjectiveRow> Of(ObjectivesOptions options) => All.Where(row => row.IsIn(options));

    /// <summary>The objectives of a run. On the device's thread: projectors are made there.</summary>
    /// <exception cref="DefinitionException">None is given, or one does not fit the models.</exception>
    public static IReadOnlyList<IObjective> Create(ObjectivesOptions options, ObjectiveContext context)
    {
        IObjective[] objectives = [.. Of(options).Select(row => row.Create(options, context))];
        return objectives.Length > 0
            ? objectives
            : throw new DefinitionException($"objectives: none is given; expected at least one of {string.Join(", ", All.Select(row => row.Name))}");
    }
}
