using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

/// <summary>Estimates, for <c>alm check</c>, what <c>score-teacher</c> will cost.</summary>
internal static class ScorePlan
{
    private const int BytesPerNumber = 2;

    // This is about what ordinary text has in vocabularies of some ten thousand tokens.
    private const int TextBytesOfToken = 4;

    // At each byte, shards hold how many bytes are named, and the rest. The end of the text is held only where a token ends, half a byte on average.
    private const double RowBytes = 1 + BytesPerNumber + 0.5;

    /// <summary>The plan of the stage.</summary>
    /// <param name="options">The stage's options.</param>
    /// <param name="run">The run that has the stage.</param>
    /// <param name="facts">What the stages before say. The limit on a document's teacher tokens is read.</param>
    /// <param name="teacher">The teacher. If it plans its own costs, they are added.</param>
    /// <param name="records">The number of documents expected; null if it is unknown.</param>
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

    // How many bytes are named depends on the text. The rule here is twice as many for each digit of the share that is kept. On the quick start's held-out
    // text, with its teacher, shares of .9, .99 and .999 took 1.9, 3.5 and 5.2 bytes of at most 16, .999 took 9.1 of 64, and .9999 took 23 of 256.
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
