using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Student;

/// <summary>Several students of one run: a stage may have one of its own in place of the definition's.</summary>
internal static class StudentOverride
{
    /// <summary>The context as a stage of that student sees it.</summary>
    public static StageContext With(this StageContext context, StudentDefinition? student)
        => student is null ? context : context with { Definition = context.Definition with { Student = student } };
}
