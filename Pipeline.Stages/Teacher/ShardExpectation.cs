using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Student;

namespace Pipeline.Stages.Teacher;

/// <summary>What shards must have been made from for a flow to use them: the teacher, and the tokenizer of the student that the flow trains.</summary>
internal static class ShardExpectation
{
    public static IReadOnlyDictionary<string, string> Of(StageContext context)
    {
        var parts = new Dictionary<string, string>();
        IEnumerable<object> options = context.Flow.Stages.Select(s => s.Options);
        // A flow that realigns is there because the shards' student tokenizer is another one.
        if (!options.OfType<RealignOptions>().Any())
        {
            StudentDefinition? own = options.OfType<UpdateStudentOptions>().FirstOrDefault()?.Student;
            StageContext student = context.With(own);
            if (student.Definition.Student is not null) parts["student tokenizer"] = SideTokenizers.Student(student).Fingerprint;
        }
        if (context.Definition.Teacher is not null)
        {
            parts["teacher tokenizer"] = SideTokenizers.Teacher(context).Fingerprint;
            foreach ((string part, string value) in context.Service<TeacherStore>().Get(context).Fingerprint) parts[part] = value;
        }
        return parts;
    }
}
