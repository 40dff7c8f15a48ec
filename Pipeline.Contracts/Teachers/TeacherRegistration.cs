using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;

namespace Pipeline.Contracts.Teachers;

/// <summary>
/// A row of the table that maps <c>"teacher": { "backend": "name" }</c> in a definition to the types behind it, as <see cref="StageRegistration"/> does
/// for stages.
/// </summary>
/// <param name="Name">The name of the backend in definitions.</param>
/// <param name="Summary">One sentence for the schema and the reference pages.</param>
/// <param name="OptionsType">
/// A record derived from <see cref="TeacherDefinition"/>, or that record itself. Its properties are the keys that a definition may set.
/// </param>
public abstract record TeacherRegistration(string Name, string Summary, Type OptionsType)
{
    /// <summary>What a teacher of this definition can say. A pure function that reads no files.</summary>
    public abstract TeacherAbilities Abilities(TeacherDefinition definition);

    /// <summary>Makes the teacher. Nothing is loaded before it is asked something.</summary>
    public abstract ITeacher Create(TeacherDefinition definition, StageContext context);

    /// <summary>The row of a backend.</summary>
    /// <param name="name">See <see cref="Name"/>.</param>
    /// <param name="summary">See <see cref="Summary"/>.</param>
    /// <param name="abilities">See <see cref="Abilities"/>.</param>
    /// <param name="create">See <see cref="Create"/>.</param>
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
