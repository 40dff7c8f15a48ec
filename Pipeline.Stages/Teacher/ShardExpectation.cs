using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Teacher;

/// <summary>What shards must have been made from for the run's definition to use them: its teacher and its tokenizers.</summary>
internal static class ShardExpectation
{
    public static IReadOnlyDictionary<string, string> Of(StageContext context)
    {
        var parts = new Dictionary<string, string>();
        if (context.Definition.Student is not null) parts["student tokenizer"] = SideTokenizers.Student(context).Fingerprint;
        if (context.Definition.Teacher is not null)
        {
            parts["teacher tokenizer"] = SideTokenizers.Teacher(context).Fingerprint;
            parts["teacher weights"] = context.Service<TeacherStore>().Get(context).WeightsFingerprint;
        }
        return parts;
    }
}
