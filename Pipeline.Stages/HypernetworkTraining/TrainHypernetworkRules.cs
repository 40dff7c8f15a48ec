using System.Globalization;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>Checks that the options of <c>train-hypernetwork</c> fit the frozen model and the files that they name.</summary>
internal static class TrainHypernetworkRules
{
    public static IEnumerable<RuleFinding> Of(TrainHypernetworkOptions options, StageContext context)
    {
        if (options.Steps > 0 && options.WarmupSteps > options.Steps)
        {
            yield return new RuleFinding("warmupSteps", string.Create(
                CultureInfo.InvariantCulture, $"'warmupSteps' is {options.WarmupSteps} and 'steps' is {options.Steps}: the learning rate never reaches {options.LearningRate}; lower warmupSteps if that is not intended"))
            { IsWarning = true };
        }
        foreach (RuleFinding finding in Model(options, context).Concat(Files(options, context)))
            yield return finding;
    }

    private static IEnumerable<RuleFinding> Model(TrainHypernetworkOptions options, StageContext context)
    {
        if (context.Definition.Student?.Model is not { } model)
            return SideRules.OfRun([new RuleFinding("student.model", "'student.model' is missing; a hypernetwork is trained for a model")]);
        if (context.Definition.Student.Edit is not null)
            return SideRules.OfRun([new RuleFinding("student.edit", "'student.edit': a hypernetwork is trained for a model without an edit; leave it out")]);
        RuleFinding[] faults = [.. SideRules.OfRun(ModelFolderRules.Of("student.model", model, context).Concat(SideRules.Tokenizer("student.model", null, model, context)))];
        if (faults.Any(f => !f.IsWarning) || new KnownModels(context).Config(model) is not { } config || HypernetworkFactory.FaultOf(options.Network, config.HiddenSize) is not { } fault)
            return faults;
        return [.. faults, new RuleFinding(options.Network.HiddenSize is null ? "network.heads" : "network.hiddenSize", $"'network': {fault}")];
    }

    private static IEnumerable<RuleFinding> Files(TrainHypernetworkOptions options, StageContext context)
    {
        if (options.From.Count == 0)
            yield return new RuleFinding("from", "'from' is empty; name the shards that tokenizers are sampled from");
        for (int i = 0; i < options.From.Count; i++)
        {
            string path = RunNames.OfShards(options.From[i], context);
            string? fault = RunNames.Fault(path, context, OutputKind.Shards);
            if (fault is null && RunNames.Find(path, context) is null && !context.Storage.DirectoryExists(Contracts.Storage.RunPaths.Input(context.RunFolder, path)))
                fault = $"{path} does not exist, and no flow of this definition writes it";
            if (fault is not null)
                yield return new RuleFinding($"from[{i}]", $"'from': {fault}");
        }
        for (int i = 0; i < options.Sampling.Known.Count; i++)
        {
            if (options.Sampling.Known[i] == TextTokenizer.BytesPath)
                continue;
            foreach (RuleFinding finding in SideRules.Tokenizer($"sampling.known[{i}]", options.Sampling.Known[i], null, context))
                yield return finding;
        }
    }
}
