using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Objectives.Baselines;
using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// The alignment of hidden states at the chunk ends in <see cref="BatchTables.Latents"/>; see <see cref="LatentLoss"/>. The teacher's states come from
/// the shards or, if these contain none, from a teacher that runs alongside the student.
/// </summary>
internal sealed class LatentsObjective : IObjective
{
    private readonly LatentsOptions _options;
    private readonly Projector? _projector;

    /// <exception cref="DefinitionException">The options do not fit the models; see <see cref="Fault"/>.</exception>
    public LatentsObjective(LatentsOptions options, ModelShapes shapes, long seed, Device device)
    {
        _options = options;
        if (Fault(options, shapes) is (_, var fault))
            throw new DefinitionException(fault);
        (Layers, TeacherLayers) = Pairs(options, shapes);
        bool differ = shapes.StudentWidth != shapes.TeacherWidth;
        if (options.Projector ?? differ)
            _projector = Projector.Create("latents", shapes.StudentWidth, shapes.TeacherWidth, seed, device);
        Weight = new WeightSchedule(options.Weight, options.Schedule);
    }

    internal LatentsObjective(LatentsOptions options, IReadOnlyList<int> layers, IReadOnlyList<int> teacherLayers, Projector? projector)
    {
        _options = options;
        (Layers, TeacherLayers, _projector) = (layers, teacherLayers, projector);
        Weight = new WeightSchedule(options.Weight, options.Schedule);
    }

    internal static ObjectiveRow Row { get; } = new ObjectiveRow<LatentsOptions>(
        "latents", o => o.Latents, static (o, c) => new LatentsObjective(o, c.Shapes(), c.Seed, c.Device))
    {
        Beside = TeacherBeside.WithoutStates,
        Needs = static _ => [TeacherNeed.HiddenStates("")],
        Tables = static (o, inputs, tables) => tables with { Latents = LatentTables.From(inputs.Examples, inputs.Length, o) },
    };

    public string Name => "latents";

    public ObjectiveNeeds Needs => ObjectiveNeeds.Hidden | ObjectiveNeeds.TeacherHidden;

    public bool ReadsStep => true;

    public IReadOnlyList<int> Layers { get; }

    public IReadOnlyList<int> TeacherLayers { get; }

    public WeightSchedule Weight { get; }

    public IReadOnlyList<(string Name, Tensor Value)> Parameters => _projector?.Parameters ?? [];

    public double Count(BatchTables tables) => Tables(tables).Chunks.Count;

    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        LatentTables tables = Tables(inputs.Tables);
        Tensor? sum = null;
        for (int pair = 0; pair < Layers.Count; pair++)
        {
            Tensor hidden_NH = inputs.Hidden_NH.TryGetValue(Layers[pair], out Tensor? given)
                ? given : throw new InvalidOperationException($"objective 'latents' needs hidden states of layer {Layers[pair]}, and they were not given");
            Tensor part = Layer(tables, inputs, hidden_NH, TeacherLayers[pair]);
            sum = sum is null ? part : sum + part;
        }
        return new ObjectiveResult(sum! / Layers.Count, tables.Chunks.Count);
    }

    private Tensor Layer(LatentTables tables, ObjectiveInputs inputs, Tensor hidden_NH, int teacherLayer)
    {
        if (tables.Chunks.Count == 0)
            return hidden_NH.narrow(0, 0, 0).sum();
        Device device = hidden_NH.device;
        Tensor last_C = tensor(Array.ConvertAll(tables.Chunks.LastPosition, i => (long)i), device: device);
        Tensor student_CH = hidden_NH.index_select(0, last_C);
        if (_projector is not null)
            student_CH = _projector.Apply(student_CH);
        Tensor teacher_CH, scale_H;
        if (tables.Teacher_LCH is not null)
        {
            int layer = tables.IndexOf(teacherLayer), width = tables.TeacherWidth, values = tables.Chunks.Count * width;
            teacher_CH = tensor(tables.Teacher_LCH.AsSpan(layer * values, values).ToArray(), device: device).reshape(-1, width);
            IEnumerable<LatentTables> step = inputs.Step?.Select(Tables) ?? [tables];
            scale_H = tensor(LatentTables.Scale(step, teacherLayer, _options.Normalization), device: device);
        }
        else
        {
            teacher_CH = Online(tables, inputs, teacherLayer);
            scale_H = LatentLoss.Scale(teacher_CH, _options.Normalization);
        }
        return LatentLoss.Sum(teacher_CH.to_type(student_CH.dtype), student_CH, scale_H.to_type(student_CH.dtype), _options.Normalization);
    }

    private static Tensor Online(LatentTables tables, ObjectiveInputs inputs, int layer)
    {
        if (inputs.Teacher is null || !inputs.Teacher.Hidden_MH.TryGetValue(layer, out Tensor? hidden_MH))
            throw new InvalidOperationException($"objective 'latents' needs teacher hidden states of layer {layer}: neither the examples nor a teacher run gave them");
        long teacherLength = hidden_MH.size(0) / tables.Chunks.Rows;
        long[] at = [.. tables.Chunks.TeacherLast.Select((last, c) => tables.Chunks.RowOf[c] * teacherLength + last)];
        return hidden_MH.detach().index_select(0, tensor(at, device: hidden_MH.device));
    }

    private static LatentTables Tables(BatchTables tables)
        => tables.Latents ?? throw new InvalidOperationException("objective 'latents': the batch tables were built without it");

    /// <summary>Why these options do not fit the two models: the key at fault and the message. Null where they do.</summary>
    public static (string Key, string Message)? Fault(LatentsOptions options, ModelShapes shapes)
    {
        if (options.Layers == LatentLayers.All && shapes.StudentDepth != shapes.TeacherDepth)
            return ("layers", $"latents: layers 'all' needs models of the same depth, but the student has {shapes.StudentDepth} layers and the teacher {shapes.TeacherDepth}; use 'chosen'");
        if (options.Layers == LatentLayers.Chosen)
        {
            int[] student = [.. options.StudentLayers ?? []], teacher = [.. options.TeacherLayers ?? []];
            if (student.Length == 0 || student.Length != teacher.Length || student.Any(l => l < 0 || l > shapes.StudentDepth) || teacher.Any(l => l < 0 || l > shapes.TeacherDepth))
            {
                return ("studentLayers", $"latents: layers [{string.Join(", ", student)}] of the student and [{string.Join(", ", teacher)}] of the teacher; expected the same number "
                    + $"of both, within 0..{shapes.StudentDepth} and 0..{shapes.TeacherDepth}");
            }
        }
        else if (options.StudentLayers is not null || options.TeacherLayers is not null)
        {
            return ("layers", "latents: 'studentLayers' and 'teacherLayers' are only for layers 'chosen'; set that or leave them out");
        }
        return shapes.StudentWidth != shapes.TeacherWidth && options.Projector == false
            ? ("projector", $"latents: hidden sizes are {shapes.StudentWidth} (student) and {shapes.TeacherWidth} (teacher), but 'projector' is false; leave it out")
            : null;
    }

    private static (IReadOnlyList<int>, IReadOnlyList<int>) Pairs(LatentsOptions options, ModelShapes shapes)
    {
        if (options.Layers == LatentLayers.Last)
            return ([shapes.StudentDepth], [shapes.TeacherDepth]);
        int[] all = [.. Enumerable.Range(0, shapes.StudentDepth + 1)];
        return options.Layers == LatentLayers.All ? (all, all) : ([.. options.StudentLayers!], [.. options.TeacherLayers!]);
    }
}
