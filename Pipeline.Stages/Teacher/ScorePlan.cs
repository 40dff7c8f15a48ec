using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Teacher;

/// <summary>What <c>alm check</c> says of <c>score-teacher</c>.</summary>
internal static class ScorePlan
{
    private const int BytesPerToken = 4;

    public static StagePlan Of(ScoreTeacherOptions options, StageContext context, long? records)
    {
        if (ModelSize.TryOf(context.Definition.Teacher?.Model, context) is not { } size) return new StagePlan(records, []);
        int layers = options.HiddenLayers?.Count ?? 0, bytes = ModelSize.BytesPerValue(context.Definition);
        double memory = size.Parameters * (double)bytes + size.LayerBytes(options.BatchTokens, bytes) + size.HeadSliceBytes(options.BatchTokens, context.Definition)
            + (layers > 0 ? (size.Config.Layers + 1) * size.StateBytes(options.BatchTokens, bytes) : 0);
        List<PlanLine> lines = [new PlanLine("peak memory", memory, PlanUnit.Bytes, "estimate: weights, one layer's activations, slices of the head")];
        int? limit = context.Flow.Stages.Select(s => s.Options).OfType<TokenizeOptions>().FirstOrDefault()?.MaxTeacherTokens;
        if (records is { } documents && limit is { } most)
        {
            double tokens = (double)documents * most;
            lines.Add(new PlanLine("tokens", tokens, PlanUnit.Count, $"at most: every document at its limit of {most}; split ones are more"));
            lines.Add(new PlanLine("work", size.ForwardOperations(tokens, most), PlanUnit.FloatingPointOperations, "one pass forward over that many tokens"));
            lines.Add(new PlanLine("on disk", tokens * (BytesPerToken + layers * 2.0 * size.Config.HiddenSize), PlanUnit.Bytes,
                layers == 0 ? "the two scores per token, before compression" : $"scores, and {layers} hidden state(s) at every chunk end, before compression"));
        }
        return new StagePlan(records, lines);
    }
}
