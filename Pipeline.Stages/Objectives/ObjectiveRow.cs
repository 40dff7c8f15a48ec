using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Objectives;

/// <summary>A row of <see cref="ObjectiveTable"/>: what those see of an objective who do not know it.</summary>
/// <param name="Name">As definitions and metrics say it: the key of its options in <see cref="ObjectivesOptions"/>.</param>
internal abstract record ObjectiveRow(string Name)
{
    /// <summary>Whether a teacher is run beside the student for it.</summary>
    public TeacherBeside Beside { get; init; }

    /// <summary>Whether a run has it.</summary>
    public abstract bool IsIn(ObjectivesOptions options);

    /// <summary>What it asks of a teacher, with keys from its name on.</summary>
    public abstract IEnumerable<TeacherNeed> Asks(ObjectivesOptions options);

    /// <summary>Makes it; on the device's thread.</summary>
    public abstract IObjective Create(ObjectivesOptions options, ObjectiveContext context);

    /// <summary>Adds what it reads of a batch's records.</summary>
    public abstract BatchTables AddTables(ObjectivesOptions options, TableInputs inputs, BatchTables tables);
}

/// <summary>The row of an objective with these options.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Of">Its options; null where a run does not have it.</param>
/// <param name="Make">Makes it.</param>
internal sealed record ObjectiveRow<TOptions>(
    string Name, Func<ObjectivesOptions, TOptions?> Of, Func<TOptions, ObjectiveContext, IObjective> Make) : ObjectiveRow(Name)
    where TOptions : class
{
    /// <summary>What it asks of a teacher, keys from its own on; an empty key is the objective itself.</summary>
    public Func<TOptions, IEnumerable<TeacherNeed>> Needs { get; init; } = static _ => [];

    /// <summary>Its tables; none for an objective that reads the loss mask alone.</summary>
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
