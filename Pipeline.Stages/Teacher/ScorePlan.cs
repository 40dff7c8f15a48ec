using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

/// <summary>What <c>alm check</c> says about <c>score-teacher</c>.</summary>
internal static class ScorePlan
{
    private const int BytesPerNumber = 2;

    // Of ordinary text in vocabularies of some ten thousand tokens.
    private const int TextBytesOfToken = 4;

    // How many are named, the rest, and the end where the text may end: at the ends of tokens.
    private const double RowBytes = 1 + BytesPerNumber + 0.5;

    public static StagePlan Of(ScoreTeacherOptions options, RunSite run, FlowFacts facts, ITeacher teacher, long? records)
    {
        int? limit = facts.MaxTeacherTokens;
        double? tokens = (double?)records * limit;
        ModelSize? size = run.Definition.Teacher is { Backend: TeacherDefinition.DefaultBackend } local ? ModelSize.TryOf(local.Model, run) : null;
        List<PlanLine> lines = [];
        if (size is not null) lines.Add(Memory(options, run, size));
        if (tokens is { } most)
        {
            lines.Add(new PlanLine("tokens", most, PlanUnit.Count, $"at most: every document at its limit of {limit}; documents that are split count more"));
            if (size is not null) lines.Add(new PlanLine("work", size.ForwardOperations(most, limit!.Value), PlanUnit.FloatingPointOperations, "one forward pass over that many tokens"));
            int layers = options.HiddenLayers?.Count ?? 0, numbers = teacher.Facts.Abilities.Boundary switch { BoundaryKnowledge.Exact => 2, BoundaryKnowledge.Interval => 3, _ => 1 };
            lines.Add(new PlanLine("on disk", most * (BytesPerNumber * numbers + layers * 2.0 * (size?.Config.HiddenSize ?? 0)), PlanUnit.Bytes, layers == 0
                ? $"{(numbers == 2 ? "the two scores" : numbers == 1 ? "one score" : "a score and two bounds")} per token, before compression"
                : $"scores, and {layers} hidden state(s) at every chunk end, before compression"));
            if (options.NextBytes is { } asked) lines.Add(NextBytes(asked, most));
        }
        return new StagePlan(records, [.. lines, .. (teacher as IPlannedTeacher)?.Plan(records, tokens) ?? []]);
    }

    // How many bytes are named depends on the text. Measured on the quick start's held-out text under its teacher: 1.9, 3.5 and 5.2 of at most 16 until .9, .99 and .999
    // are held, 9.1 of 64 and 23 of 256 until .999 and .9999; so about twice as many with each digit.
    private static PlanLine NextBytes(NextBytesAsked asked, double tokens)
    {
        double named = Math.Min(asked.MaxKept, Math.Pow(2, -Math.Log10(Math.Max(1 - asked.KeepShare, 1e-8))));
        return new PlanLine("next bytes on disk", tokens * TextBytesOfToken * (RowBytes + ((1 + BytesPerNumber) * named)), PlanUnit.Bytes, string.Create(
            CultureInfo.InvariantCulture, $"estimate: {TextBytesOfToken} bytes of text per token, {named:0.#} named at each of them; before compression, which leaves about half"));
    }

    private static PlanLine Memory(ScoreTeacherOptions options, RunSite run, ModelSize size)
    {
        int layers = options.HiddenLayers?.Count ?? 0, bytes = ModelSize.BytesPerValue(run.Definition);
        double memory = size.Parameters * (double)bytes + size.LayerBytes(options.BatchTokens, bytes) + size.HeadSliceBytes(options.BatchTokens, run.Definition)
            + (layers > 0 ? (size.Config.Layers + 1) * size.StateBytes(options.BatchTokens, bytes) : 0);
        return new PlanLine("peak memory", memory, PlanUnit.Bytes, "estimate: weights, one layer's activations, slices of the head");
    }
}
