using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Evaluation;

/// <summary>Which models, ensembles, gap and agreement a definition asks for, checked against each other before anything is loaded.</summary>
internal sealed record EvaluationPlan(IReadOnlyList<ModelPlace> Models, IReadOnlyList<EvaluatedEnsemble> Ensembles, EvaluatedGap? Gap, string? Agreement)
{
    private const string Student = "student";

    public static EvaluationPlan Make(EvaluateOptions options, RunDefinition definition, string runFolder)
    {
        List<ModelPlace> models = [.. options.Models.Select(m => ModelPlace.Resolve(m, definition, runFolder))];
        if (models.Count == 0)
            throw new DefinitionException("evaluate: 'models' is empty; name at least one");
        string? twice = models.Select(m => m.Name).Concat(options.Ensembles.Select(e => e.Name))
            .GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        if (twice is not null)
            throw new DefinitionException($"evaluate: two models are named '{twice}'; give one of them another 'name'");
        foreach (EvaluatedEnsemble ensemble in options.Ensembles)
        {
            if (ensemble.Members.Count < 2)
                throw new DefinitionException($"evaluate: ensemble '{ensemble.Name}' has {ensemble.Members.Count} members; it takes two");
            foreach (string member in ensemble.Members)
                Check($"ensemble '{ensemble.Name}'", member);
        }
        if (options.Gap is { } gap)
        {
            foreach (string name in (string[])[gap.Before, gap.After, gap.Teacher])
                Check("'gap'", name);
        }
        if (options.Agreement is { } reference)
            Check("'agreement'", reference);
        return new EvaluationPlan(models, options.Ensembles, options.Gap ?? Usual(models), options.Agreement);

        void Check(string who, string name)
        {
            if (models.All(m => m.Name != name) && (who != "'gap'" || options.Ensembles.All(e => e.Name != name)))
                throw new DefinitionException($"evaluate: {who} names '{name}', which is none of {string.Join(", ", models.Select(m => $"'{m.Name}'"))}");
        }
    }

    private static EvaluatedGap? Usual(List<ModelPlace> models)
        => models.Any(m => m.Name == ModelPlace.StudentInitial) && models.Any(m => m.Name == Student) && models.Any(m => m.Name == ModelPlace.Teacher)
            ? new EvaluatedGap { Before = ModelPlace.StudentInitial, After = Student, Teacher = ModelPlace.Teacher }
            : null;
}
