using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

/// <summary>What <c>alm check</c> says of <c>score-teacher</c>.</summary>
internal static class ScorePlan
{
    private const int BytesPerNumber = 2;

    public static StagePlan Of(ScoreTeacherOptions options, RunSite run, FlowFacts facts, ITeacher teacher, long? records)
    {
        int? limit = facts.MaxTeacherTokens;
        double? tokens = (double?)records * limit;
        ModelSize? size = run.Definition.Teacher is { Backend: TeacherDefinition.DefaultBackend } local ? ModelSize.TryOf(local.Model, run) : null;
        List<PlanLine> lines = [];
        if (size is not null) lines.Add(Memory(options, run, size));
        if (tokens is { } most)
        {
            lines.Add(new PlanLine("tokens", most, PlanUnit.Count, $"at most: every document at its limit of {limit}; split ones are more"));
            if (size is not null) lines.Add(new PlanLine("work", size.ForwardOperations(most, limit!.Value), PlanUnit.FloatingPointOperations, "one pass forward over that many tokens"));
            int layers = options.HiddenLayers?.Count ?? 0, numbers = teacher.Facts.Abilities.Boundary switch { BoundaryKnowledge.Exact => 2, BoundaryKnowledge.Interval => 3, _ => 1 };
            lines.Add(new PlanLine("on disk", most * (BytesPerNumber * numbers + layers * 2.0 * (size?.Config.HiddenSize ?? 0)), PlanUnit.Bytes, layers == 0
                ? $"{(numbers == 2 ? "the two scores" : numbers == 1 ? "one score" : "a score and two bounds")} per token, before compression"
                : $"scores, and {layers} hidden state(s) at every chunk end, before compression"));
        }
        return new StagePlan(records, [.. lines, .. (teacher as IPlannedTeacher)?.Plan(records, tokens) ?? []]);
    }

    private static PlanLine Memory(ScoreTeacherOptions options, RunSite run, ModelSize size)
    {
        int layers = options.HiddenLayers?.Count ?? 0, bytes = ModelSize.BytesPerValue(run.Definition);
        double memory = size.Parameters * (double)bytes + size.LayerBytes(options.BatchTokens, bytes) + size.HeadSliceBytes(options.BatchTokens, run.Definition)
            + (layers > 0 ? (size.Config.Layers + 1) * size.StateBytes(options.BatchTokens, bytes) : 0);
        return new PlanLine("peak memory", memory, PlanUnit.Bytes, "estimate: weights, one layer's activations, slices of the head");
    }
}
