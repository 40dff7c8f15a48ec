using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>Which models, ensembles, gap and agreement a definition asks for, checked against each other before anything is loaded.</summary>
/// <param name="Models">In the order of the report.</param>
/// <param name="Ensembles">Of those models.</param>
/// <param name="Gap">Null: none is reported.</param>
/// <param name="Agreement">The model that the others are compared with at the offsets both begin a token at; null: none.</param>
/// <param name="ExactBytes">Whether models are judged by their exact next bytes too.</param>
internal sealed record EvaluationPlan(
    IReadOnlyList<ModelPlace> Models, IReadOnlyList<EvaluatedEnsemble> Ensembles, EvaluatedGap? Gap, string? Agreement, bool ExactBytes)
{
    private const string Student = "student";

    /// <summary>The model that exact next bytes are compared with; null where the definition names none.</summary>
    public string? ExactReference => Agreement ?? Models.FirstOrDefault(m => m.Name == (Gap?.Teacher ?? ModelPlace.Teacher))?.Name;

    /// <summary>The places of an ensemble's members.</summary>
    public IReadOnlyList<ModelPlace> MembersOf(EvaluatedEnsemble ensemble) => [.. ensemble.Members.Select(name => Models.First(m => m.Name == name))];

    /// <summary>Whether some answer is asked for byte by byte.</summary>
    public bool NeedsBytes(TokenizerStore tokenizers) => ExactBytes || Ensembles.Any(e => IsUnlike(MembersOf(e), tokenizers));

    /// <summary>Whether models have several tokenizers: together they answer byte by byte.</summary>
    public static bool IsUnlike(IReadOnlyList<ModelPlace> members, TokenizerStore tokenizers)
        => members.Select(m => tokenizers.Get(m.Tokenizer).Fingerprint).Distinct(StringComparer.Ordinal).Count() > 1;

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
            Averaging.Of(ensemble.Average, ensemble.Members.Count, ensemble.Weights, ensemble.Name);
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
        return new EvaluationPlan(models, options.Ensembles, options.Gap ?? Usual(models), options.Agreement, options.ExactBytes);

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
