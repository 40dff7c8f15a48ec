using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages;

/// <summary>
/// What shards must have been made from before a flow may use them: the teacher, and the tokenizer of the student that the flow trains. These are parts of
/// a shard's fingerprint.
/// </summary>
internal static class ShardExpectation
{
    /// <summary>
    /// The parts that are known before a run, from files that exist. These are only the tokenizers, because weights would have to be read completely.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Known(StageContext context)
    {
        var parts = new Dictionary<string, string>();
        var models = new KnownModels(context);
        if ((context.Facts.Student ?? context.Definition.Student) is { } student && !context.Facts.ReplacedParts.Contains(FingerprintPart.StudentTokenizer)
            && models.TokenizerOf(student) is { } own)
        {
            parts[FingerprintPart.StudentTokenizer] = own.Fingerprint;
        }
        if (context.Definition.Teacher is { } teacher && models.TokenizerOf(teacher) is { } other)
            parts[FingerprintPart.TeacherTokenizer] = other.Fingerprint;
        return parts;
    }

    /// <summary>All parts. If there is a teacher, it is asked for its own.</summary>
    public static IReadOnlyDictionary<string, string> Of(StageContext context)
    {
        var parts = new Dictionary<string, string>();
        RunSite run = RunSite.Of(context).With(context.Facts.Student);
        // A flow that realigns shards is there because these have another student tokenizer.
        if (run.Definition.Student is not null && !context.Facts.ReplacedParts.Contains(FingerprintPart.StudentTokenizer))
            parts[FingerprintPart.StudentTokenizer] = SideTokenizers.Student(run).Fingerprint;
        if (run.Definition.Teacher is not null)
        {
            parts[FingerprintPart.TeacherTokenizer] = SideTokenizers.Teacher(run).Fingerprint;
            foreach ((string part, string value) in context.Service<TeacherStore>().Get(context).Fingerprint)
                parts[part] = value;
        }
        return parts;
    }
}
