using Pipeline.Stages.Objectives.Baselines;
using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>Dual-space knowledge distillation with cross-model attention; see <see cref="DskdLoss"/>.</summary>
internal sealed class DskdObjective : IObjective
{
    /// <summary>Gives its projectors other first values than those of the objective <c>latents</c>.</summary>
    private const long SeedOffset = 100;

    private readonly DskdDivergence _divergence;
    private readonly DskdProjectors _projectors;
    private readonly ModelShapes _shapes;

    public DskdObjective(DskdOptions options, ModelShapes shapes, long seed, Device device)
    {
        _shapes = shapes;
        _divergence = new DskdDivergence(
            options.Divergence, options.Temperature, options.TeacherTemperature, options.SkewLambda, options.AdaptiveAlpha);
        _projectors = new DskdProjectors(
            Projector.Create("dskd.query", 2L * shapes.StudentWidth, 2L * shapes.TeacherWidth, seed, device),
            Projector.Create("dskd.to_teacher", shapes.StudentWidth, shapes.TeacherWidth, seed + 1, device),
            Projector.Create("dskd.to_student", shapes.TeacherWidth, shapes.StudentWidth, seed + 2, device));
        Weight = new WeightSchedule(options.Weight, options.Schedule);
    }

    internal static ObjectiveRow Row { get; } = new ObjectiveRow<DskdOptions>(
        "dskd", o => o.Dskd, static (o, c) => new DskdObjective(o, c.Shapes(), c.Seed + SeedOffset, c.Device))
    {
        Beside = TeacherBeside.Always,
        Tables = static (_, inputs, tables) => tables.WithBaselines(inputs),
    };

    public string Name => "dskd";

    public ObjectiveNeeds Needs => ObjectiveNeeds.Logits | ObjectiveNeeds.Hidden | ObjectiveNeeds.TeacherOnline;

    public bool ReadsStep => true;

    public IReadOnlyList<int> Layers => [0, _shapes.StudentDepth];

    public IReadOnlyList<int> TeacherLayers => [0, _shapes.TeacherDepth];

    public WeightSchedule Weight { get; }

    public IReadOnlyList<(string Name, Tensor Value)> Parameters
        => [.. _projectors.Query.Parameters, .. _projectors.ToTeacher.Parameters, .. _projectors.ToStudent.Parameters];

    public double Count(BatchTables tables) => tables.Targets;

    /// <summary>
    /// The cross-entropy term and the term in the teacher's space are exact over a step that accumulates several batches. The distillation term is a
    /// mean over the positions that this batch predicts correctly, as in the reference, weighted by the batch's number of targets.
    /// </summary>
    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        BaselineTables tables = Tables(inputs.Tables);
        TeacherInputs given = inputs.Teacher ?? throw new InvalidOperationException("objective 'dskd' needs a teacher running alongside the student, and none was given");
        Tensor logits_NV = ObjectiveInputs.Require(inputs.Logits_NV, Name, "the student's logits");
        Device device = logits_NV.device;
        var student = new DskdStudent(
            Rows(inputs.Hidden_NH[0], tables), Rows(inputs.Hidden_NH[_shapes.StudentDepth], tables), Rows(logits_NV, tables),
            ObjectiveInputs.Require(inputs.OutputEmbeddings_VH, Name, "the student's output embeddings"),
            tensor(tables.Ids_N, device: device).reshape(tables.Rows, -1), Mask(tables.Real_N), Mask(tables.Counts_N),
            logits_NV.detach().select(0, 0) <= -1e29);
        var teacher = new DskdTeacher(
            Rows(given.Hidden_MH[0], tables), Rows(given.Hidden_MH[_shapes.TeacherDepth], tables),
            Rows(ObjectiveInputs.Require(given.Logits_MV, Name, "the teacher's logits"), tables),
            ObjectiveInputs.Require(given.OutputEmbeddings_VH, Name, "the teacher's output embeddings"), Mask(tables.Real_M), Mask(tables.Counts_M));
        DskdTerms terms = DskdLoss.Compute(student, teacher, _projectors, _divergence);

        double targets = inputs.Tables.Targets;
        IReadOnlyList<BatchTables> step = inputs.Step ?? [inputs.Tables];
        double stepTargets = step.Sum(t => t.Targets), stepTeacherTargets = step.Sum(t => TeacherTargets(Tables(t)));
        double back = stepTeacherTargets > 0 ? stepTargets / stepTeacherTargets : 0;
        return new ObjectiveResult(terms.CrossEntropySum + terms.Distillation * targets + terms.BackSum * back, targets);

        Tensor Mask(bool[] values) => tensor(values, device: device).reshape(tables.Rows, -1);
    }

    private static Tensor Rows(Tensor flat, BaselineTables tables) => flat.reshape(tables.Rows, -1, flat.size(1));

    private static double TeacherTargets(BaselineTables tables) => tables.Counts_M.Where((counts, i) => counts && i % tables.TeacherLength > 0).Count();

    private static BaselineTables Tables(BatchTables tables)
        => tables.Baselines ?? throw new InvalidOperationException("objective 'dskd': the batch tables were built without it");
}
