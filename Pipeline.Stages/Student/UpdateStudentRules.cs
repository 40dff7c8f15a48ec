using System.Globalization;
using System.Numerics;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Student;

/// <summary>Checks that the options of <c>update-student</c> fit the student, the teacher, the shards and the number of ranks.</summary>
internal static class UpdateStudentRules
{
    public static IEnumerable<RuleFinding> Of(UpdateStudentOptions options, StageContext context)
    {
        RuleFinding[] student = [.. StudentRules.Of(context)];
        IEnumerable<RuleFinding> all = student.Concat(Course(options, context)).Concat(Teacher(options, context)).Concat(Tables(options, context));
        if (student.Any(f => !f.IsWarning) || (context.Facts.Student ?? context.Definition.Student) is not { } begun)
            return all;
        all = all.Concat(StudentBytes.Faults(options.Objectives, new KnownModels(context).TokenizerOf(begun), RunSite.Of(context), context.Facts));
        if (new KnownModels(context).ConfigOf(begun) is not { } config)
            return all;
        return all.Concat(Trained(options, begun, config)).Concat(Latents(options, config, context)).Concat(GgufRules.Of(options, begun, config, new KnownModels(context).TokenizerOf(begun)));
    }

    private static IEnumerable<RuleFinding> Course(UpdateStudentOptions options, StageContext context)
    {
        if (options.Steps > 0 && options.WarmupSteps > options.Steps)
        {
            yield return new RuleFinding("warmupSteps", string.Create(
                CultureInfo.InvariantCulture, $"'warmupSteps' is {options.WarmupSteps} and 'steps' is {options.Steps}: the learning rate never reaches {options.LearningRate}; lower warmupSteps if that is not intended"))
            { IsWarning = true };
        }
        int ranks = context.Service<IRanks>().Count;
        if (BitOperations.IsPow2(options.Slots) && options.Slots % ranks != 0)
            yield return new RuleFinding("slots", $"'slots' is {options.Slots}, expected a power of two that the {ranks} ranks divide. It affects the result, so choose it for the largest number of ranks that may ever train the student");
    }

    private static IEnumerable<RuleFinding> Teacher(UpdateStudentOptions options, StageContext context)
    {
        if (context.Definition.Teacher is not null)
        {
            // A teacher that runs alongside the student is loaded in this flow. Otherwise the shards hold all that is needed of it.
            if (StudentObjectives.NeedTeacher(options.Objectives) || StudentObjectives.ScoreOnline(options.Objectives))
            {
                foreach (RuleFinding finding in SideRules.Teacher(context))
                    yield return finding;
            }
            yield break;
        }
        foreach ((string key, bool needs) in ((string, bool)[])[
            ("latents", options.Objectives.Latents is not null), ("dskd", options.Objectives.Dskd is not null), ("uld", options.Objectives.Uld is not null), ("mined", options.Objectives.Mined is not null),
            ("alm.scores", StudentObjectives.ScoreOnline(options.Objectives)), ("alm.bias", options.Objectives.Alm is { Chunks: ChunkKind.Unbiased, Bias: not null })])
        {
            if (needs)
                yield return new RuleFinding($"objectives.{key}", $"'objectives.{key}' needs a teacher running alongside the student, but the definition has none; add \"teacher\": {{ \"model\": \"FOLDER\" }}");
        }
        // Without a teacher in the definition, no flow of this run scores anything.
        if (options.Objectives.Alm is { Scores: TeacherScoring.Cached } && context.Facts.ShardsRead.FirstOrDefault(from => RunNames.Find(RunNames.OfShards(from, context), context) is { Facts.ImportedScores: null }) is { } unscored)
            yield return new RuleFinding("objectives.alm", $"'objectives.alm' reads a teacher's scores, but the flow that writes '{unscored}' has no teacher; add a teacher and score-teacher, or import-scores, or leave alm out");
    }

    private static IEnumerable<RuleFinding> Tables(UpdateStudentOptions options, StageContext context)
    {
        foreach ((string key, string? path) in ((string, string?)[])[
            ("objectives.alm.bias", options.Objectives.Alm is { Chunks: ChunkKind.Unbiased } alm ? alm.Bias : null), ("objectives.mined.mapping", options.Objectives.Mined?.Mapping)])
        {
            if (path is null)
                continue;
            string? fault = RunNames.Fault(path, context, OutputKind.Table);
            if (fault is null && RunNames.Find(path, context) is null && !context.Storage.FileExists(Contracts.Storage.RunPaths.Input(context.RunFolder, path)))
                fault = $"{path} does not exist; give the file that {(key.EndsWith("bias", StringComparison.Ordinal) ? "compute-bias" : "write-token-map")} wrote";
            if (fault is not null)
                yield return new RuleFinding(key, $"'{key}': {fault}");
        }
    }

    private static IEnumerable<RuleFinding> Trained(UpdateStudentOptions options, StudentDefinition student, ModelConfig config)
    {
        List<string> names = [.. WeightNames.All(config).Select(w => w.Name)];
        if (options.Train == TrainMode.Lora)
        {
            for (int i = 0; i < options.Lora.Targets.Count; i++)
            {
                if (TrainedNames.FaultOfTarget(config, options.Lora.Targets[i]) is { } fault)
                    yield return new RuleFinding($"lora.targets[{i}]", $"'lora.targets': {fault}");
            }
            HashSet<string> targets = [.. options.Lora.Targets.SelectMany(t => WeightLayout.Projections(config.Family, t))];
            names.AddRange([.. names.Where(n => targets.Contains(WeightLayout.ShortName(n)) && !WeightNames.IsBias(n)).SelectMany(CausalLm.AdapterNames)]);
        }
        if (student.InputExpansion)
            names.Add(ExpandedInput.WeightName);
        for (int i = 0; i < options.Freeze.Count; i++)
        {
            if (TrainedNames.FaultOfPattern(config.Family, options.Freeze[i], names) is { } fault)
                yield return new RuleFinding($"freeze[{i}]", $"'freeze': {fault}");
        }
        string[] trained = [.. names.Where(n => TrainedParameters.IsTrained(options.Train, n))];
        if (trained.All(n => options.Freeze.Any(p => TrainedNames.IsNamed(config.Family, p, n))))
            yield return new RuleFinding("freeze", $"'freeze' leaves nothing to train with train {options.Train.ToString().ToLowerInvariant()}; freeze less");
    }

    private static IEnumerable<RuleFinding> Latents(UpdateStudentOptions options, ModelConfig config, StageContext context)
    {
        if (options.Objectives.Latents is not { } latents || context.Definition.Teacher is not { Backend: TeacherDefinition.DefaultBackend } teacher || latents.Faults("", "").Any())
            yield break;
        if (ConfigOrNull(() => new KnownModels(context).Config(teacher.Model)) is { } known
            && LatentsObjective.Fault(latents, new ModelShapes(config.Layers, config.HiddenSize, known.Layers, known.HiddenSize)) is (var key, var message))
        {
            yield return new RuleFinding($"objectives.latents.{key}", $"'objectives.latents.{key}': {message}");
        }
    }

    // If the teacher's configuration cannot be read, another rule reports it.
    private static ModelConfig? ConfigOrNull(Func<ModelConfig?> read)
    {
        try
        {
            return read();
        }
        catch (InputException)
        {
            return null;
        }
    }
}
