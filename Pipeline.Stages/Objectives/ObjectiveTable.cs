using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// All objectives, in the order in which they are computed. A new objective is a key in <see cref="ObjectivesOptions"/> and a line here.
/// </summary>
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

    /// <summary>The rows of the objectives that a run uses.</summary>
    public static IEnumerable<ObjectiveRow> Of(ObjectivesOptions options) => All.Where(row => row.IsIn(options));

    /// <summary>The objectives of a run. Call it on the device's thread, since some objectives have projectors.</summary>
    /// <exception cref="DefinitionException">No objective is given, or one does not fit the models.</exception>
    public static IReadOnlyList<IObjective> Create(ObjectivesOptions options, ObjectiveContext context)
    {
        IObjective[] objectives = [.. Of(options).Select(row => row.Create(options, context))];
        return objectives.Length > 0
            ? objectives
            : throw new DefinitionException($"objectives: none is given; expected at least one of {string.Join(", ", All.Select(row => row.Name))}");
    }
}
