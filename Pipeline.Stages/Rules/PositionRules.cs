using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Models;

namespace Pipeline.Stages.Rules;

/// <summary>
/// Checks that documents cannot have more tokens than the models have positions. If they can, that is a warning, or an error with <c>strictPositions</c>.
/// </summary>
internal static class PositionRules
{
    /// <summary>Checks a limit on tokens against the teacher's positions.</summary>
    public static IEnumerable<RuleFinding> Teacher(string key, int tokens, StageContext context)
        => context.Definition.Teacher is { Backend: TeacherDefinition.DefaultBackend } teacher
            ? Of(key, tokens, "the teacher", () => new KnownModels(context).Config(teacher.Model), context)
            : [];

    /// <summary>Checks a limit on tokens against the student's positions.</summary>
    public static IEnumerable<RuleFinding> Student(string key, int tokens, StageContext context)
        => context.Definition.Student is { } student && (student.Model ?? student.Config) is { } path
            ? Of(key, tokens, "the student", () => new KnownModels(context).Config(path), context)
            : [];

    private static IEnumerable<RuleFinding> Of(string key, int tokens, string who, Func<ModelConfig?> config, StageContext context)
    {
        int? positions;
        try
        {
            positions = config()?.MaxPositions;
        }
        catch (InputException)
        {
            // Another rule reports why it cannot be read.
            yield break;
        }
        if (positions is { } most && tokens > most)
        {
            yield return new RuleFinding(key, string.Create(
                CultureInfo.InvariantCulture, $"'{key}' is {tokens}, but {who} was made for {most} positions (max_position_embeddings) and has not learnt longer documents; lower it to {most}"))
            { IsWarning = !context.Definition.StrictPositions };
        }
    }
}
