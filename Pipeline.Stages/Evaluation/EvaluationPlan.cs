using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>Which models, ensembles, gap and agreement a definition asks for, checked against each other before anything is loaded.</summary>
/// <param name="Models">In the order of the report.</param>
/// <param name="Ensembles">Of those models.</param>
/// <param name="Gap">Null: none is reported.</param>
/// <param name="Agreement">The model that the others are compared with at the offsets both begin a token at; null: none.</param>
/// <param name="ExactBytes">Whether models are judged by their exact next bytes too.</param>
/// <param name="Differing">Windows kept for each model, those on which it is furthest behind the teacher.</param>
internal sealed record EvaluationPlan(
    IReadOnlyList<ModelPlace> Models, IReadOnlyList<EvaluatedEnsemble> Ensembles, EvaluatedGap? Gap, string? Agreement, bool ExactBytes, int Differing)
{
    private const string Student = "student";

    /// <summary>The model that exact next bytes are compared with; null where the definition names none.</summary>
    public string? ExactReference => Agreement ?? Teacher;

    /// <summary>The model that others learnt from; null where none is named so.</summary>
    public string? Teacher => Models.FirstOrDefault(m => m.Name == (Gap?.Teacher ?? ModelPlace.Teacher))?.Name;

    /// <summary>Whether the windows' texts are needed: answers are asked for byte by byte, or some texts are shown.</summary>
    public bool NeedsTexts(TokenizerStore tokenizers) => NeedsBytes(tokenizers) || FindsDiffering;

    /// <summary>Whether to look for texts on which models are behind the teacher.</summary>
    public bool FindsDiffering => Differing > 0 && Teacher is not null && Models.Count > 1;

    /// <summary>The places of an ensemble's members.</summary>
    public IReadOnlyList<ModelPlace> MembersOf(EvaluatedEnsemble ensemble) => [.. ensemble.Members.Select(name => Models.First(m => m.Name == name))];

    /// <summary>Whether some answer is asked for byte by byte.</summary>
    public bool NeedsBytes(TokenizerStore tokenizers) => ExactBytes || Ensembles.Any(e => IsUnlike(MembersOf(e), tokenizers));

    /// <summary>Whether models have several tokenizers: together they answer byte by byte.</summary>
    public static bool IsUnlike(IReadOnlyList<ModelPlace> members, TokenizerStore tokenizers)
        => members.Select(m => tokenizers.Get(m.Tokenizer).Fingerprint).Distinct(StringComparer.Ordinal).Count() > 1;

    /// <exception cref="DefinitionException">The options break a rule, or ask for a teacher, and the definition has none.</exception>
    public static EvaluationPlan Make(EvaluateOptions options, RunDefinition definition, string runFolder)
    {
        OptionRules.Require(options, "evaluate");
        List<ModelPlace> models = [.. options.Models.Select(m => ModelPlace.Resolve(m, definition, runFolder))];
        return new EvaluationPlan(models, options.Ensembles, options.Gap ?? Usual(models), options.Agreement, options.ExactBytes, options.Differing);
    }

    private static EvaluatedGap? Usual(List<ModelPlace> models)
        => models.Any(m => m.Name == ModelPlace.StudentInitial) && models.Any(m => m.Name == Student) && models.Any(m => m.Name == ModelPlace.Teacher)
            ? new EvaluatedGap { Before = ModelPlace.StudentInitial, After = Student, Teacher = ModelPlace.Teacher }
            : null;
}
