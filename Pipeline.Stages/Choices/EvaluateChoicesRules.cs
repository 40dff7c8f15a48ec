using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Choices;

/// <summary>What of <c>evaluate-choices</c> must fit: models that are there, names of their own, and a comparison of some of them.</summary>
internal static class EvaluateChoicesRules
{
    public static IEnumerable<RuleFinding> Of(EvaluateChoicesOptions options, StageContext context)
    {
        var models = new EvaluateOptions { Models = options.Models, To = options.To };
        foreach (ValidationResult fault in EvaluationRules.Of(models))
            yield return new RuleFinding(Key(fault.MemberNames.First()), fault.ErrorMessage!);
        foreach (RuleFinding finding in EvaluatedModelRules.Of(models, context))
            yield return finding;
        if (options.Compare is not { } compare)
            yield break;
        foreach ((string key, string name) in ((string, string)[])[("plain", compare.Plain), ("edited", compare.Edited), ("exchanged", compare.Exchanged), ("random", compare.Random)])
        {
            if (options.Models.All(m => m.Title != name))
                yield return new RuleFinding($"compare.{key}", $"'compare.{key}' names '{name}', which is none of {string.Join(", ", options.Models.Select(m => $"'{m.Title}'"))}");
        }
    }

    // Members are named as in code: Models[1].Name is models[1].name.
    private static string Key(string member) => string.Join('.', member.Split('.').Select(step => char.ToLowerInvariant(step[0]) + step[1..]));
}
