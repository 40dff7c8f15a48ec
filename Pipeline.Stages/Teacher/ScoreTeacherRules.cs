using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Rules;

namespace Pipeline.Stages.Teacher;

/// <summary>What of <c>score-teacher</c> must fit the teacher.</summary>
internal static class ScoreTeacherRules
{
    public static IEnumerable<RuleFinding> Of(ScoreTeacherOptions options, StageContext context)
    {
        RuleFinding[] teacher = [.. SideRules.Teacher(context)];
        foreach (RuleFinding finding in teacher)
            yield return finding;
        if (teacher.Any(f => !f.IsWarning) || context.Definition.Teacher is not { Backend: TeacherDefinition.DefaultBackend } local || new KnownModels(context).Config(local.Model) is not { } config)
            yield break;
        for (int i = 0; i < options.HiddenLayers?.Count; i++)
        {
            if (options.HiddenLayers[i] > config.Layers || options.HiddenLayers[i] < -config.Layers - 1)
                yield return new RuleFinding($"hiddenLayers[{i}]", $"'hiddenLayers' has {options.HiddenLayers[i]}; the teacher has 0 (the embedding output) to {config.Layers}, or from the end -1 to {-config.Layers - 1}");
        }
    }
}
