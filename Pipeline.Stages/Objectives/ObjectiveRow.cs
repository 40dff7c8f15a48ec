using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Objectives;

/// <summary>A row of <see cref="ObjectiveTable"/>: what the rest of the program can do with an objective without knowing it.</summary>
/// <param name="Name">The objective's name in definitions and metrics, which is the key of its options in <see cref="ObjectivesOptions"/>.</param>
internal abstract record ObjectiveRow(string Name)
{
    /// <summary>Whether the objective needs a teacher that runs alongside the student.</summary>
    public TeacherBeside Beside { get; init; }

    /// <summary>Whether a run uses the objective.</summary>
    public abstract bool IsIn(ObjectivesOptions options);

    /// <summary>What the objective asks of a teacher. Keys begin with the objective's name.</summary>
    public abstract IEnumerable<TeacherNeed> Asks(ObjectivesOptions options);

    /// <summary>Makes the objective. Call it on the device's thread.</summary>
    public abstract IObjective Create(ObjectivesOptions options, ObjectiveContext context);

    /// <summary>Adds what the objective reads of a batch to the batch's tables.</summary>
    public abstract BatchTables AddTables(ObjectivesOptions options, TableInputs inputs, BatchTables tables);
}

/// <summary>The row of an objective that has options of a certain type.</summary>
/// <param name="Name">The objective's name.</param>
/// <param name="Of">Finds its options among those of a run; null where the run does not use it.</param>
/// <param name="Make">Makes the objective.</param>
internal sealed record ObjectiveRow<TOptions>(
    string Name, Func<ObjectivesOptions, TOptions?> Of, Func<TOptions, ObjectiveContext, IObjective> Make) : ObjectiveRow(Name)
    where TOptions : class
{
    /// <summary>What the objective asks of a teacher. Keys are those within its options; an empty key stands for the objective as a whole.</summary>
    public Func<TOptions, IEnumerable<TeacherNeed>> Needs { get; init; } = static _ => [];

    /// <summary>Adds the objective's tables. The default adds none, for an objective that reads only the loss mask.</summary>
    public Func<TOptions, TableInputs, BatchTables, BatchTables> Tables { get; init; } = static (_, _, tables) => tables;

    public override bool IsIn(ObjectivesOptions options) => Of(options) is not null;

    public override IEnumerable<TeacherNeed> Asks(ObjectivesOptions options)
    {
        if (Beside == TeacherBeside.Always)
            yield return TeacherNeed.Online(Name);
        foreach (TeacherNeed need in Needs(Of(options)!))
            yield return need with { Key = need.Key.Length == 0 ? Name : $"{Name}.{need.Key}" };
    }

    public override IObjective Create(ObjectivesOptions options, ObjectiveContext context) => Make(Of(options)!, context);

    public override BatchTables AddTables(ObjectivesOptions options, TableInputs inputs, BatchTables tables) => Tables(Of(options)!, inputs, tables);
}
