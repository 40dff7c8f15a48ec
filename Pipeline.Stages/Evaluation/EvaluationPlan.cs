using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>What an evaluation has to do. It is made from the options and checked before anything is loaded.</summary>
/// <param name="Models">The models, in the order of the report.</param>
/// <param name="Ensembles">Ensembles of these models.</param>
/// <param name="Gap">The models of the gap; null where no gap is reported.</param>
/// <param name="Agreement">The name of the model that the others are compared with where both begin a token; null where there is none.</param>
/// <param name="ExactBytes">Whether models are also judged by their exact next bytes.</param>
/// <param name="Differing">How many windows are shown for each model: those on which it is furthest behind the teacher.</param>
internal sealed record EvaluationPlan(
    IReadOnlyList<ModelPlace> Models, IReadOnlyList<EvaluatedEnsemble> Ensembles, EvaluatedGap? Gap, string? Agreement, bool ExactBytes, int Differing)
{
    private const string Student = "student";

    /// <summary>The name of the model whose exact next bytes those of the others are compared with; null where there is none.</summary>
    public string? ExactReference => Agreement ?? Teacher;

    /// <summary>The name of the model that the others learned from: the gap's teacher, or else the model named "teacher". Null where there is none.</summary>
    public string? Teacher => Models.FirstOrDefault(m => m.Name == (Gap?.Teacher ?? ModelPlace.Teacher))?.Name;

    /// <summary>Whether the texts of the windows must be kept: some model is asked byte by byte, or some texts will be shown.</summary>
    public bool NeedsTexts(TokenizerStore tokenizers) => NeedsBytes(tokenizers) || FindsDiffering;

    /// <summary>Whether to look for texts on which models are behind the teacher.</summary>
    public bool FindsDiffering => Differing > 0 && Teacher is not null && Models.Count > 1;

    /// <summary>The members of an ensemble.</summary>
    public IReadOnlyList<ModelPlace> MembersOf(EvaluatedEnsemble ensemble) => [.. ensemble.Members.Select(name => Models.First(m => m.Name == name))];

    /// <summary>Whether some model or ensemble is asked byte by byte.</summary>
    public bool NeedsBytes(TokenizerStore tokenizers) => ExactBytes || Ensembles.Any(e => IsUnlike(MembersOf(e), tokenizers));

    /// <summary>Whether models have different tokenizers. An ensemble of such models answers byte by byte.</summary>
    public static bool IsUnlike(IReadOnlyList<ModelPlace> members, TokenizerStore tokenizers)
        => members.Select(m => tokenizers.Get(m.Tokenizer).Fingerprint).Distinct(StringComparer.Ordinal).Count() > 1;

    /// <summary>Makes the plan.</summary>
    /// <exception cref="DefinitionException">
    /// The options break a rule, or they name the teacher, and the definition has none or one that is not a Hugging Face folder.
    /// </exception>
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
