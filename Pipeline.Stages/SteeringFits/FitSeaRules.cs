using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Demonstrations;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Rules;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Checks that the options of <c>fit-sea</c> fit the model whose activations are summed.</summary>
internal static class FitSeaRules
{
    public static IEnumerable<RuleFinding> Of(FitSeaOptions options, StageContext context)
    {
        object? source = context.Definition.Flows.FirstOrDefault(f => f.Stages.Any(s => ReferenceEquals(s.Options, options)))?.Stages[0].Options;
        if (options.Base == BaseChoice.Column && source is ReadDemonstrationsOptions { Base: null })
            yield return new RuleFinding("base", "'base' is column, but read-demonstrations reads none; give it 'base' with the column's name, or fit with greedy or prompt");
        if (options.Base != BaseChoice.Column && source is ReadDemonstrationsOptions { Base: not null })
            yield return new RuleFinding("base", $"read-demonstrations reads a 'base' that a fit with base {options.Base.ToString().ToLowerInvariant()} does not use") { IsWarning = true };
        string model = options.Model;
        if (model == ModelPlace.Teacher)
        {
            string? fault = context.Definition.Teacher switch
            {
                null => "is the teacher, but the definition has none",
                { Backend: not TeacherDefinition.DefaultBackend } other => $"is the teacher, of backend '{other.Backend}'; only Hugging Face folders can be read: name one",
                { Edit: not null } => "is the teacher, which has an 'edit', but an edit is fitted on a model without one; name the model's folder",
                _ => null,
            };
            if (fault is not null)
            {
                yield return new RuleFinding("model", $"'model' {fault}");
                yield break;
            }
            model = context.Definition.Teacher!.Model;
        }
        RuleFinding[] folder = [.. ModelFolderRules.Of("model", model, context)];
        foreach (RuleFinding finding in folder.Concat(SideRules.Tokenizer(options.Tokenizer is null ? "model" : "tokenizer", options.Tokenizer ?? model, null, context)))
            yield return finding;
        if (folder.All(f => f.IsWarning) && new KnownModels(context).Config(model) is { } config && FaultOfLayers(options, config.Layers) is { } wrong)
            yield return new RuleFinding("layers", wrong);
    }

    /// <summary>
    /// The layers that the options name, counted from the first and in ascending order, for a model with <paramref name="count"/> layers.
    /// </summary>
    public static int[] LayersOf(FitSeaOptions options, int count) => [.. (options.Layers ?? [.. Enumerable.Range(0, count)]).Select(l => l < 0 ? count + l : l).Order()];

    /// <summary>What is wrong with the layers that the options name, for a model with <paramref name="count"/> layers; null if nothing is.</summary>
    public static string? FaultOfLayers(FitSeaOptions options, int count)
    {
        int[] layers = LayersOf(options, count);
        return layers.Length > 0 && layers.All(l => l >= 0 && l < count) && layers.Distinct().Count() == layers.Length ? null
            : $"'layers' is [{string.Join(", ", options.Layers ?? [])}]; expected each at most once, 0 to {count - 1} or -1 to -{count}";
    }
}
