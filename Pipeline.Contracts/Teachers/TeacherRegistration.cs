using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;

namespace Pipeline.Contracts.Teachers;

/// <summary>
/// A row of the table that maps a definition's <c>"teacher": { "backend": "name" }</c> to types, as <see cref="StageRegistration"/> does
/// for stages.
/// </summary>
/// <param name="Name">As definitions say it.</param>
/// <param name="Summary">One sentence for the schema.</param>
/// <param name="OptionsType">A record of <see cref="TeacherDefinition"/> whose properties are the keys a definition may set.</param>
public abstract record TeacherRegistration(string Name, string Summary, Type OptionsType)
{
    /// <summary>What a teacher of this definition can say. A pure function that reads no files.</summary>
    public abstract TeacherAbilities Abilities(TeacherDefinition definition);

    /// <summary>Makes the teacher, which loads nothing until it is asked.</summary>
    public abstract ITeacher Create(TeacherDefinition definition, StageContext context);

    public static TeacherRegistration Of<TOptions>(
        string name, string summary, Func<TOptions, TeacherAbilities> abilities, Func<TOptions, StageContext, ITeacher> create)
        where TOptions : TeacherDefinition
        => new Typed<TOptions>(name, summary, abilities, create);

    private sealed record Typed<TOptions>(
        string Name, string Summary, Func<TOptions, TeacherAbilities> Can, Func<TOptions, StageContext, ITeacher> Make)
        : TeacherRegistration(Name, Summary, typeof(TOptions))
        where TOptions : TeacherDefinition
    {
        public override TeacherAbilities Abilities(TeacherDefinition definition) => Can((TOptions)definition);

        public override ITeacher Create(TeacherDefinition definition, StageContext context) => Make((TOptions)definition, context);
    }
}
