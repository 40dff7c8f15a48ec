using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>Checks before the run that the models that <c>evaluate</c> names can be loaded, and that those of an ensemble can answer together.</summary>
internal static class EvaluatedModelRules
{
    public static IEnumerable<RuleFinding> Of(EvaluateOptions options, StageContext context)
    {
        bool[] faulty = new bool[options.Models.Count];
        for (int i = 0; i < options.Models.Count; i++)
        {
            foreach (RuleFinding finding in OfModel($"models[{i}]", options.Models[i], context))
            {
                faulty[i] |= !finding.IsWarning;
                yield return finding;
            }
        }
        TextTokenizer?[] tokenizers = [.. options.Models.Select((m, i) => faulty[i] ? null : TokenizerOf(m, context))];
        if (options.ExactBytes)
        {
            for (int i = 0; i < tokenizers.Length; i++)
            {
                if (Fault(tokenizers[i]) is { } fault)
                    yield return new RuleFinding("exactBytes", $"'exactBytes': the tokenizer of '{options.Models[i].Title}': {fault}");
            }
        }
        for (int e = 0; e < options.Ensembles.Count; e++)
        {
            TextTokenizer?[] members = [.. options.Ensembles[e].Members.Select(name => options.Models.ToList().FindIndex(m => m.Title == name)).Where(i => i >= 0).Select(i => tokenizers[i])];
            bool unlike = members.OfType<TextTokenizer>().Select(t => t.Fingerprint).Distinct(StringComparer.Ordinal).Count() > 1;
            if (unlike && members.Any(t => Fault(t) is not null))
                yield return new RuleFinding($"ensembles[{e}].members", $"'ensembles[{e}].members': models with different tokenizers answer byte by byte, which needs BPE tokenizers; transfer the members to one tokenizer first");
        }
    }

    private static IEnumerable<RuleFinding> OfModel(string key, EvaluatedModel model, StageContext context)
    {
        if (model.Model == InitialStudent.Name)
        {
            return RunNames.Find($"run:{InitialStudent.Name}", context) is not null ? []
                : context.Definition.Student is null ? [new RuleFinding($"{key}.model", $"'{key}.model' is the student before training, but the definition has no student")]
                : StudentRules.OfRun(context);
        }
        if (model.Model != ModelPlace.Teacher)
        {
            IEnumerable<RuleFinding> folder = ModelFolderRules.Of($"{key}.model", model.Model, context).Concat(ModelFolderRules.Edit($"{key}.edit", model.Edit, context));
            return folder.Any(f => !f.IsWarning) ? folder : folder.Concat(SideRules.Tokenizer(model.Tokenizer is null ? $"{key}.model" : $"{key}.tokenizer", model.Tokenizer ?? model.Model, null, context));
        }
        if (context.Definition.Teacher is not { } teacher)
            return [new RuleFinding($"{key}.model", $"'{key}.model' is the teacher, but the definition has none")];
        return teacher.Backend == TeacherDefinition.DefaultBackend ? SideRules.Teacher(context) : [];
    }

    private static string? Fault(TextTokenizer? tokenizer) => tokenizer is null ? null : ByteVocabulary.Fault(tokenizer);

    private static TextTokenizer? TokenizerOf(EvaluatedModel model, StageContext context)
    {
        var known = new KnownModels(context);
        try
        {
            return model.Tokenizer is { } own ? known.Tokenizer(own)
                : model.Model == ModelPlace.Teacher ? known.TokenizerOf(context.Definition.Teacher!)
                : model.Model != InitialStudent.Name ? known.Tokenizer(model.Model)
                : context.Definition.Student is { } student ? known.TokenizerOf(student)
                : null;
        }
        catch (InputException)
        {
            // Another rule reports this.
            return null;
        }
    }
}
