using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Teacher;

namespace Pipeline.Stages.Student;

/// <summary>
/// The lines of <c>alm check</c> about <c>update-student</c>: what the steps cost, and what a teacher alongside the student adds where an objective
/// needs one.
/// </summary>
internal static class StudentPlan
{
    // The two float32 moments of AdamW, in bytes per trained parameter.
    private const int OptimizerBytes = 8;

    public static StagePlan Of(UpdateStudentOptions options, RunSite run, FlowFacts facts)
    {
        StudentDefinition? student = run.Definition.Student;
        if (ModelSize.TryOf(student?.Model ?? student?.Config, run) is not { } begun)
            return new StagePlan(null, [new PlanLine("steps", options.Steps, PlanUnit.Count)]);
        int rows = SideTokenizers.Student(run).VocabularySize, bytes = ModelSize.BytesPerValue(run.Definition);
        ModelSize size = new(begun.Config with
        {
            VocabularySize = rows,
            TieWordEmbeddings = begun.Config.TieWordEmbeddings && !(student!.Untie ?? student.Tokenizer == "bytes"),
        });
        double expansion = student!.InputExpansion ? (double)begun.Config.VocabularySize * begun.Config.HiddenSize : 0;
        double weights = size.Parameters + expansion, trained = Trained(options, size) + expansion;
        int batch = facts.BatchTokens ?? new BatchOptions().Tokens;
        double tokens = (double)options.Steps * options.Accumulate * options.Slots * batch;
        // A backward pass costs two forward passes. Activation checkpointing adds a third.
        double work = size.ForwardOperations(tokens, 0) * (options.ActivationCheckpointing ? 4 : 3);
        double activations = options.ActivationCheckpointing
            ? size.Config.Layers * size.StateBytes(batch, bytes) + size.LayerBytes(batch, bytes)
            : size.Config.Layers * size.LayerBytes(batch, bytes);
        double memory = weights * bytes + trained * (bytes + OptimizerBytes + (bytes < 4 ? 8 : 0)) + activations + size.HeadSliceBytes(batch, run.Definition);
        List<PlanLine> lines =
        [
            new PlanLine("steps", options.Steps, PlanUnit.Count),
            new PlanLine("tokens", tokens, PlanUnit.Count, "at most: every batch full"),
            new PlanLine("trained", trained, PlanUnit.Count, "parameters"),
            new PlanLine("work", work, PlanUnit.FloatingPointOperations, "forward and backward over that many tokens"),
            new PlanLine("on disk", trained * 12.0 * (options.KeepCheckpoints + 1) + weights * (4 + (options.Dtype == WeightType.Float32 ? 4 : 2)), PlanUnit.Bytes, "checkpoints, the student before and after"),
            new PlanLine("peak memory", memory, PlanUnit.Bytes, "estimate: weights, gradients, optimizer, activations"),
        ];
        if (options.Slots > 1) AddRanks(lines, options, memory, trained, bytes);
        bool logits = StudentObjectives.NeedTeacher(options.Objectives);
        if (logits || StudentObjectives.ScoreOnline(options.Objectives)) AddTeacher(lines, run, size, tokens, batch, bytes, logits);
        else if (ObjectiveTable.Of(options.Objectives).Any(row => row.Beside == TeacherBeside.WithoutStates))
            lines.Add(new PlanLine("teacher beside", 0, PlanUnit.Count, "none where the shards hold hidden states (score-teacher.hiddenLayers); else it is loaded too"));
        return new StagePlan(null, lines);
    }

    /// <summary>
    /// The memory of each rank for every possible number of ranks, with the whole optimizer and with a share of it. It shows what fits on which
    /// machine.
    /// </summary>
    private static void AddRanks(List<PlanLine> lines, UpdateStudentOptions options, double memory, double trained, int bytes)
    {
        // What ranks can share: the moments, and the float32 copies of weights of a narrower type.
        double shared = trained * (OptimizerBytes + (bytes < 4 ? 4 : 0));
        for (int ranks = 1; ranks <= options.Slots; ranks *= 2)
        {
            // A rank keeps a float32 sum of the gradients for each level of its own part of the tree.
            double whole = memory + trained * 4 * (1 + Math.Log2((double)options.Slots / ranks));
            string note = ranks == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", {(whole - shared * (ranks - 1) / ranks) / (1L << 30):F1} GiB with shardOptimizer");
            lines.Add(new PlanLine(string.Create(CultureInfo.InvariantCulture, $"memory of 1 of {ranks} ranks"), whole, PlanUnit.Bytes, $"estimate{note}"));
        }
        lines.Add(new PlanLine("sent per step and rank", trained * 4 * 2, PlanUnit.Bytes, "at most: a gradient's sum over the ranks"));
    }

    private static void AddTeacher(List<PlanLine> lines, RunSite run, ModelSize student, double tokens, int batch, int bytes, bool logits)
    {
        if (run.Definition.Teacher is not { Backend: TeacherDefinition.DefaultBackend } local || ModelSize.TryOf(local.Model, run) is not { } teacher) return;
        lines.Add(new PlanLine("teacher work", teacher.ForwardOperations(tokens, 0), PlanUnit.FloatingPointOperations, "again in every step: the objectives need it alongside the student"));
        lines.Add(new PlanLine("teacher memory", teacher.Parameters * (double)bytes + (teacher.Config.Layers + 1) * teacher.StateBytes(batch, bytes), PlanUnit.Bytes, "on top: its weights and hidden states"));
        if (logits) lines.Add(new PlanLine("whole logits", 4.0 * batch * (3.0 * student.Config.VocabularySize + 2.0 * teacher.Config.VocabularySize), PlanUnit.Bytes, "on top: both sides' logits in float32, a batch at a time"));
    }

    private static double Trained(UpdateStudentOptions options, ModelSize size) => options.Train switch
    {
        TrainMode.Full => size.Parameters,
        TrainMode.Embeddings => size.Embeddings,
        _ => size.Embeddings + size.Adapters(options.Lora),
    };
}
