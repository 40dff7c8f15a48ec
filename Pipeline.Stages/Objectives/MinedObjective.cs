using Pipeline.Stages.Objectives.Baselines;
using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>MinED, with a token map that was made beforehand; see <see cref="MinedLoss"/>.</summary>
/// <param name="options">The objective's keys in the definition.</param>
/// <param name="mapping">By student id, the id of the nearest teacher token; -1 for ids that are no token of the student.</param>
internal sealed class MinedObjective(MinedOptions options, int[] mapping) : IObjective
{
    internal static ObjectiveRow Row { get; } = new ObjectiveRow<MinedOptions>("mined", o => o.Mined, static (o, c) => new MinedObjective(o, c.TokenMap(o.Mapping)))
    {
        Beside = TeacherBeside.Always,
        Tables = static (_, inputs, tables) => tables.WithBaselines(inputs),
    };

    public string Name => "mined";

    public ObjectiveNeeds Needs => ObjectiveNeeds.Logits | ObjectiveNeeds.TeacherOnline;

    public WeightSchedule Weight { get; } = new(options.Weight, options.Schedule);

    public double Count(BatchTables tables) => MinedTables.From(Tables(tables)).Count;

    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        Tensor student_NV = ObjectiveInputs.Require(inputs.Logits_NV, Name, "the student's logits");
        Tensor teacher_MV = ObjectiveInputs.Require(inputs.Teacher?.Logits_MV, Name, "the teacher's logits");
        BaselineTables tables = Tables(inputs.Tables);
        MinedTables pairs = MinedTables.From(tables);
        // The logits may have more columns than the tokenizer has ids. Those are padding.
        long[] padded = [.. Enumerable.Range(0, (int)student_NV.size(1)).Select(v => v < mapping.Length ? mapping[v] : -1L)];
        Tensor mapping_V = tensor(Array.ConvertAll(padded, t => Math.Max(0, t)), device: student_NV.device);
        Tensor unused_V = tensor(Array.ConvertAll(padded, t => t < 0), device: student_NV.device);
        return new ObjectiveResult(
            MinedLoss.Sum(student_NV, teacher_MV, pairs, tables.Ids_N, mapping_V, unused_V, options.Temperature), pairs.Count);
    }

    private static BaselineTables Tables(BatchTables tables)
        => tables.Baselines ?? throw new InvalidOperationException("objective 'mined': the batch tables were built without it");
}
