using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Stages.Rules;

/// <summary>
/// Checks before the run that a model folder can be loaded, without loading it: its configuration, and the names, shapes and types of its weights.
/// </summary>
internal static class ModelFolderRules
{
    private const string Adapter = "adapter_config.json";

    /// <summary>The message for a folder or file that does not exist.</summary>
    public static string Missing(string path) => $"{path} does not exist";

    /// <summary>Checks that an edit of activations exists.</summary>
    /// <param name="key">The key that names it.</param>
    /// <param name="path">The path in the definition; null where there is no edit.</param>
    /// <param name="context">The stage that needs it.</param>
    public static IEnumerable<RuleFinding> Edit(string key, string? path, StageContext context)
    {
        if (path is null)
            return [];
        string? fault = RunNames.Fault(path, context, OutputKind.Edit);
        if (fault is null && RunNames.Find(path, context) is null && RunPaths.Input(context.RunFolder, path) is var full && !context.Storage.DirectoryExists(full) && !context.Storage.FileExists(full))
            fault = Missing(full);
        return fault is null ? [] : [new RuleFinding(key, $"'{key}': {fault}")];
    }

    /// <summary>Checks a model folder.</summary>
    /// <param name="key">The key that names the folder.</param>
    /// <param name="path">The path in the definition.</param>
    /// <param name="context">The stage that will load it.</param>
    public static IEnumerable<RuleFinding> Of(string key, string path, StageContext context)
    {
        if (RunNames.Fault(path, context, OutputKind.Model) is { } fault)
            return [new RuleFinding(key, $"'{key}': {fault}")];
        if (RunNames.Find(path, context) is not null)
            return [];
        string folder = RunPaths.Input(context.RunFolder, path);
        if (!context.Storage.DirectoryExists(folder) && !context.Storage.FileExists(folder))
            return [new RuleFinding(key, $"'{key}': {Missing(folder)}") { IsInput = true }];
        var warnings = new List<RuleFinding>();
        try
        {
            ModelConfig written = ModelConfig.Load(folder, context.Storage);
            using SafetensorsFolder weights = SafetensorsFolder.Open(folder, context.Storage);
            ModelConfig config = HeadTie.Resolve(written, weights, folder, out string? remark);
            if (remark is not null)
                warnings.Add(new RuleFinding(key, $"'{key}': {remark}") { IsWarning = true });
            _ = new WeightLoader(config, weights, folder);
        }
        catch (InputException e)
        {
            return [new RuleFinding(key, $"'{key}': {e.Message}") { IsInput = true }];
        }
        if (context.Storage.FileExists(Path.Combine(folder, Adapter)))
            warnings.Add(new RuleFinding(key, $"'{key}': {folder} has an adapter ({Adapter}) next to its weights. Only the weights are read: if the adapter is wanted, merge it with 'alm merge'") { IsWarning = true });
        return warnings;
    }
}
