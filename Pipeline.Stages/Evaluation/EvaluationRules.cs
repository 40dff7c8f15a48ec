using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Ensembles;

namespace Pipeline.Stages.Evaluation;

/// <summary>Checks that the options of <c>evaluate</c> fit each other: names are unique, and those that refer to a model find one.</summary>
internal static class EvaluationRules
{
    public static IEnumerable<ValidationResult> Of(EvaluateOptions options)
    {
        if (options.Models.Count == 0)
            yield return new ValidationResult("'models' is empty; name at least one", [nameof(options.Models)]);
        if (options.To.Length == 0 || options.To != Path.GetFileName(options.To) || options.To.Contains('\0', StringComparison.Ordinal))
            yield return new ValidationResult($"'to' is '{options.To}'; expected a plain name, as the report is report/NAME.json in the run folder", [nameof(options.To)]);
        if (options.Stride > options.WindowBytes)
            yield return new ValidationResult($"'stride' is {options.Stride}, more than 'windowBytes', {options.WindowBytes}; a window must hold at least the bytes that are judged", [nameof(options.Stride)]);
        foreach (ValidationResult fault in Names(options).Concat(Members(options)).Concat(Comparisons(options)))
            yield return fault;
    }

    private static IEnumerable<ValidationResult> Names(EvaluateOptions options)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < options.Models.Count; i++)
        {
            EvaluatedModel model = options.Models[i];
            if (!taken.Add(model.Title))
            {
                yield return new ValidationResult(
                    $"'models[{i}]': two models are named '{model.Title}'; give one of them another 'name'",
                    [$"{nameof(options.Models)}[{i}].{(model.Name is null ? nameof(model.Model) : nameof(model.Name))}"]);
            }
        }
        for (int i = 0; i < options.Ensembles.Count; i++)
        {
            if (!taken.Add(options.Ensembles[i].Name))
                yield return new ValidationResult($"'ensembles[{i}].name': '{options.Ensembles[i].Name}' is already the name of another; give it a name of its own", [$"{nameof(options.Ensembles)}[{i}].Name"]);
        }
    }

    private static IEnumerable<ValidationResult> Members(EvaluateOptions options)
    {
        for (int i = 0; i < options.Ensembles.Count; i++)
        {
            EvaluatedEnsemble ensemble = options.Ensembles[i];
            string path = $"{nameof(options.Ensembles)}[{i}].{nameof(ensemble.Members)}";
            if (ensemble.Members.Distinct(StringComparer.Ordinal).Count() < 2)
                yield return new ValidationResult($"'ensembles[{i}].members': ensemble '{ensemble.Name}' has the members [{string.Join(", ", ensemble.Members)}], expected two or more models", [path]);
            else if (Averaging.Fault(ensemble.Average, ensemble.Members.Count, ensemble.Weights) is { } fault)
                yield return new ValidationResult($"'ensembles[{i}].weights': ensemble '{ensemble.Name}' {fault}", [$"{nameof(options.Ensembles)}[{i}].{nameof(ensemble.Weights)}"]);
            for (int m = 0; m < ensemble.Members.Count; m++)
            {
                if (IsUnknown(ensemble.Members[m], options, ensembles: false))
                    yield return new ValidationResult($"'ensembles[{i}].members' {Unknown(ensemble.Members[m], options, ensembles: false)}", [$"{path}[{m}]"]);
            }
        }
    }

    private static IEnumerable<ValidationResult> Comparisons(EvaluateOptions options)
    {
        if (options.Gap is { } gap)
        {
            foreach ((string key, string name) in ((string, string)[])[(nameof(gap.Before), gap.Before), (nameof(gap.After), gap.After), (nameof(gap.Teacher), gap.Teacher)])
            {
                if (IsUnknown(name, options, ensembles: true))
                    yield return new ValidationResult($"'gap' {Unknown(name, options, ensembles: true)}", [$"{nameof(options.Gap)}.{key}"]);
            }
        }
        if (options.Agreement is { } reference && IsUnknown(reference, options, ensembles: false))
            yield return new ValidationResult($"'agreement' {Unknown(reference, options, ensembles: false)}", [nameof(options.Agreement)]);
    }

    private static bool IsUnknown(string name, EvaluateOptions options, bool ensembles) => !Known(options, ensembles).Contains(name);

    private static string Unknown(string name, EvaluateOptions options, bool ensembles)
        => Known(options, ensembles).Any() ? $"names '{name}', which is not one of {string.Join(", ", Known(options, ensembles).Select(n => $"'{n}'"))}" : $"names '{name}', but there is no model";

    private static IEnumerable<string> Known(EvaluateOptions options, bool ensembles)
        => options.Models.Select(m => m.Title).Concat(ensembles ? options.Ensembles.Select(e => e.Name) : []);
}
