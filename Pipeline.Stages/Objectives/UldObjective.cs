using Pipeline.Stages.Objectives.Baselines;
using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// Universal logit distillation; see <see cref="UldLoss"/>. Position i of the student is compared with position i of the teacher, wherever both have a
/// token.
/// </summary>
internal sealed class UldObjective(UldOptions options) : IObjective
{
    internal static ObjectiveRow Row { get; } = new ObjectiveRow<UldOptions>("uld", o => o.Uld, static (o, _) => new UldObjective(o))
    {
        Beside = TeacherBeside.Always,
        Tables = static (_, inputs, tables) => tables.WithBaselines(inputs),
    };

    public string Name => "uld";

    public ObjectiveNeeds Needs => ObjectiveNeeds.Logits | ObjectiveNeeds.TeacherOnline;

    public WeightSchedule Weight { get; } = new(options.Weight, options.Schedule);

    public double Count(BatchTables tables) => Positions(Tables(tables)).Student.Length;

    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        Tensor student_NV = ObjectiveInputs.Require(inputs.Logits_NV, Name, "the student's logits");
        Tensor teacher_MV = ObjectiveInputs.Require(inputs.Teacher?.Logits_MV, Name, "the teacher's logits");
        (long[] student, long[] teacher) = Positions(Tables(inputs.Tables));
        Tensor student_KV = student_NV.index_select(0, tensor(student, device: student_NV.device));
        Tensor teacher_KV = teacher_MV.index_select(0, tensor(teacher, device: teacher_MV.device));
        return new ObjectiveResult(UldLoss.PerRow(student_KV, teacher_KV).sum(), student.Length);
    }

    private static (long[] Student, long[] Teacher) Positions(BaselineTables tables)
    {
        List<long> student = [], teacher = [];
        for (int row = 0; row < tables.Rows; row++)
        {
            for (int i = 0; i < Math.Min(tables.Length, tables.TeacherLength); i++)
            {
                int s = row * tables.Length + i, t = row * tables.TeacherLength + i;
                if (!tables.Real_N[s] || !tables.Real_M[t])
                    continue;
                student.Add(s);
                teacher.Add(t);
            }
        }
        return ([.. student], [.. teacher]);
    }

    private static BaselineTables Tables(BatchTables tables)
        => tables.Baselines ?? throw new InvalidOperationException("objective 'uld': the batch tables were built without it");
}
