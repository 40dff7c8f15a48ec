using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Stages.Teacher;

/// <summary>Checks that the options of <c>score-teacher</c> fit the run's teacher, as far as files that exist already tell.</summary>
internal static class ScoreTeacherRules
{
    public static IEnumerable<RuleFinding> Of(ScoreTeacherOptions options, StageContext context)
    {
        RuleFinding[] teacher = [.. SideRules.Teacher(context)];
        foreach (RuleFinding finding in teacher)
            yield return finding;
        if (context.Definition.Teacher is GgufTeacherDefinition gguf && Fault(gguf, context) is { } fault)
            yield return new RuleFinding("teacher.model", $"'teacher.model': {fault}") { OfRun = true, IsInput = true };
        if (teacher.Any(f => !f.IsWarning) || context.Definition.Teacher is not { Backend: TeacherDefinition.DefaultBackend } local)
            yield break;
        var known = new KnownModels(context);
        if (options.NextBytes is not null && known.TokenizerOf(local) is { } tokenizer && ByteVocabulary.Fault(tokenizer) is { } unfit)
            yield return new RuleFinding("bytes", $"'bytes': the teacher's tokenizer: {unfit}; leave it out");
        if (known.Config(local.Model) is not { } config)
            yield break;
        for (int i = 0; i < options.HiddenLayers?.Count; i++)
        {
            if (options.HiddenLayers[i] > config.Layers || options.HiddenLayers[i] < -config.Layers - 1)
                yield return new RuleFinding($"hiddenLayers[{i}]", $"'hiddenLayers' has {options.HiddenLayers[i]}; expected 0 (the embedding output) to {config.Layers}, or counted from the end -1 to {-config.Layers - 1}");
        }
    }

    // A file that the run itself will write is checked once it exists.
    private static string? Fault(GgufTeacherDefinition teacher, StageContext context)
    {
        if (teacher.Model.StartsWith(RunPaths.RunPrefix, StringComparison.Ordinal) && !context.Storage.FileExists(RunPaths.Input(context.RunFolder, teacher.Model)))
            return null;
        try
        {
            GgufVocabulary.Check(RunPaths.Input(context.RunFolder, teacher.Model), context.Storage);
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }
}
