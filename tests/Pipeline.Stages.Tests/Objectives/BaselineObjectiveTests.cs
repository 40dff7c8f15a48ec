using System.Reflection;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Baselines;
using Pipeline.Stages.Tests.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class BaselineObjectiveTests : TorchTest
{
    private const int StudentVocabulary = 7, TeacherVocabulary = 5, UsedStudentTokens = 6;
    private static readonly int[] Mapping = [4, 0, 0, 2, 1, 3];
    private readonly Random _random = new(23);

    [Fact]
    public void Uld_compares_sorted_probabilities_where_both_sides_have_a_token()
    {
        (BatchTables tables, ObjectiveInputs inputs) = Batch();
        ObjectiveResult result = new UldObjective(new()).Compute(inputs);
        double sum = 0, count = 0;
        BaselineTables sides = tables.Baselines!;
        for (int row = 0; row < sides.Rows; row++)
        {
            for (int i = 0; i < Math.Min(sides.Length, sides.TeacherLength); i++)
            {
                if (!sides.Real_N[row * sides.Length + i] || !sides.Real_M[row * sides.TeacherLength + i])
                    continue;
                double[] s = [.. Softmax(Row(inputs.Logits_NV!, row * sides.Length + i), 1).OrderDescending()];
                double[] t = [.. Softmax(Row(inputs.Teacher!.Logits_MV!, row * sides.TeacherLength + i), 1).OrderDescending(), 0, 0];
                sum += s.Zip(t, (a, b) => Math.Abs(a - b)).Sum();
                count++;
            }
        }
        Assert.True(count > 3);
        Assert.Equal(count, result.Count);
        DivergenceTests.AssertClose(sum, result.Sum.item<double>(), 1e-9, "uld");
    }

    [Fact]
    public void Mined_maps_the_teacher_where_one_token_meets_one_and_takes_the_text_elsewhere()
    {
        var objective = new MinedObjective(new() { Mapping = "none", Temperature = 2 }, Mapping);
        int pairs = 0, targets = 0;
        for (int trial = 0; trial < 10; trial++)
        {
            (BatchTables tables, ObjectiveInputs inputs) = Batch();
            ObjectiveResult result = objective.Compute(inputs);
            MinedTables table = MinedTables.From(tables.Baselines!);
            double sum = 0;
            for (int k = 0; k < table.Student.Length; k++)
            {
                double[] teacher = Row(inputs.Teacher!.Logits_MV!, table.Teacher[k]);
                double[] t = Softmax([.. Mapping.Select(m => teacher[m])], 2), s = Softmax(Row(inputs.Logits_NV!, table.Student[k]), 2);
                sum += Enumerable.Range(0, UsedStudentTokens).Sum(v => t[v] * Math.Log(t[v] / s[v]));
            }
            foreach (long j in table.Target)
                sum -= Math.Log(Softmax(Row(inputs.Logits_NV!, j - 1), 2)[tables.Baselines!.Ids_N[j]]);
            DivergenceTests.AssertClose(sum, result.Sum.item<double>(), 1e-9, "mined");
            Assert.Equal(result.Count, objective.Count(tables));
            pairs += table.Student.Length;
            targets += table.Target.Length;
        }
        Assert.True(pairs > 10 && targets > 10, $"{pairs} pairs, {targets} targets");
    }

    [Fact]
    public void Divergences_between_logits_equal_their_sums_in_plain_numbers()
    {
        double[] student = Draw(6), teacher = Draw(6);
        double[] s = Softmax(student, 1.5), t = Softmax(teacher, 1.5 * 0.7);
        double Sum(Func<int, double> term) => Enumerable.Range(0, 6).Sum(term);
        const double L = 0.3;
        Check(LogitDivergenceKind.ForwardKl, Sum(v => t[v] * Math.Log(t[v] / s[v])));
        Check(LogitDivergenceKind.ReverseKl, Sum(v => s[v] * Math.Log(s[v] / t[v])));
        Check(LogitDivergenceKind.SkewedForwardKl, Sum(v => t[v] * Math.Log(t[v] / (L * t[v] + (1 - L) * s[v] + 1e-9))));
        Check(LogitDivergenceKind.SkewedReverseKl, Sum(v => s[v] * Math.Log(s[v] / ((1 - L) * t[v] + L * s[v] + 1e-9))));
        void Check(LogitDivergenceKind kind, double expected)
        {
            Tensor value = LogitDivergence.Of(kind, tensor(student).unsqueeze(0), tensor(teacher).unsqueeze(0), 1.5, 0.7, L, 0.5);
            DivergenceTests.AssertClose(expected, value.item<double>(), 1e-9, kind.ToString());
        }
    }

    [Fact]
    public void Dskd_trains_its_projectors_and_the_student_and_is_finite_with_a_padded_vocabulary()
    {
        foreach (LogitDivergenceKind kind in Enum.GetValues<LogitDivergenceKind>())
        {
            using var scope = NewDisposeScope();
            (BatchTables tables, ObjectiveInputs inputs) = Batch(ScalarType.Float32);
            var objective = new DskdObjective(new() { Divergence = kind }, new ModelShapes(2, 4, 3, 6), 5, TestDevice.Device);
            ObjectiveResult result = objective.Compute(inputs);
            Assert.Equal(tables.Targets, result.Count);
            Tensor loss = result.Mean();
            loss.backward();
            Assert.True(float.IsFinite(loss.item<float>()) && loss.item<float>() > 0, $"{kind}: {loss.item<float>()}");
            foreach ((string name, Tensor value) in objective.Parameters)
                Assert.True(value.grad is { } gradient && gradient.isfinite().all().item<bool>(), $"{kind} {name}");
            Assert.Equal(6, objective.Parameters.Count);
            Assert.True(inputs.Hidden_NH[2].grad!.isfinite().all().item<bool>());
            Assert.True(inputs.Hidden_NH[2].grad!.abs().sum().item<float>() > 0);
        }
    }

    [Fact]
    public void The_set_holds_what_the_definition_names_and_refuses_what_does_not_fit()
    {
        var options = new ObjectivesOptions { Alm = new(), Sft = new(), Latents = new(), Dskd = new(), Uld = new(), Mined = new() { Mapping = "none" } };
        IReadOnlyList<IObjective> all = ObjectiveTable.Create(options, Context(new ModelShapes(2, 4, 3, 6)));
        Assert.Equal(["alm", "sft", "latents", "dskd", "uld", "mined"], all.Select(o => o.Name));
        Assert.Equal(2, all[2].Parameters.Count);
        Assert.Throws<DefinitionException>(() => ObjectiveTable.Create(new(), ObjectiveContext.Alone(TestDevice.Device)));
        var everyLayer = new ObjectivesOptions { Latents = new() { Layers = LatentLayers.All } };
        Assert.Throws<DefinitionException>(() => ObjectiveTable.Create(everyLayer, Context(new ModelShapes(2, 4, 3, 6))));
        var noProjector = new ObjectivesOptions { Latents = new() { Projector = false } };
        Assert.Throws<DefinitionException>(() => ObjectiveTable.Create(noProjector, Context(new ModelShapes(2, 4, 2, 6))));
        var unequal = new ObjectivesOptions { Latents = new() { Layers = LatentLayers.Chosen, StudentLayers = [1, 2], TeacherLayers = [3] } };
        Assert.Throws<DefinitionException>(() => ObjectiveTable.Create(unequal, Context(new ModelShapes(2, 4, 3, 4))));
    }

    /// <summary>The table says the same about an objective as the objective itself, and every key of the options has a row.</summary>
    [Fact]
    public void Every_key_is_a_row_and_a_row_agrees_with_its_objective()
    {
        PropertyInfo[] keys = [.. typeof(ObjectivesOptions).GetProperties().Where(p => p.CanWrite)];
        Assert.Equal(keys.Select(k => JsonNamingPolicy.CamelCase.ConvertName(k.Name)), ObjectiveTable.All.Select(r => r.Name));
        for (int i = 0; i < keys.Length; i++)
        {
            var options = new ObjectivesOptions();
            object own = keys[i].PropertyType == typeof(MinedOptions) ? new MinedOptions { Mapping = "map" } : Activator.CreateInstance(keys[i].PropertyType)!;
            keys[i].SetValue(options, own);
            ObjectiveRow row = Assert.Single(ObjectiveTable.Of(options));
            IObjective objective = Assert.Single(ObjectiveTable.Create(options, Context(new ModelShapes(2, 4, 3, 6))));
            Assert.Equal(row.Name, objective.Name);
            Assert.Equal(row.Beside == TeacherBeside.Always, objective.Needs.HasFlag(ObjectiveNeeds.TeacherOnline));
            Assert.Equal(row.Beside == TeacherBeside.WithoutStates, objective.Needs.HasFlag(ObjectiveNeeds.TeacherHidden));
            Assert.All(options.TeacherNeeds, n => Assert.Equal(row.Name, n.Key.Split('.')[0]));
            Assert.Equal(row.Beside != TeacherBeside.Never, options.TeacherNeeds.Any(n => n.Key == row.Name && n.What != "next bytes"));
        }
    }

    private static ObjectiveContext Context(ModelShapes shapes) => new(() => shapes, _ => Mapping, 1, TestDevice.Device);

    private (BatchTables, ObjectiveInputs) Batch(ScalarType dtype = ScalarType.Float64)
    {
        Example[] examples = [.. Enumerable.Range(0, 3).Select(_ => WithIds(RandomExamples.Make(_random, true, false, false)))];
        int length = examples.Max(e => e.Student.Count) + 1;
        var options = new ObjectivesOptions { Dskd = new(), Uld = new(), Mined = new() { Mapping = "none" } };
        BatchTables tables = BatchTables.From(examples, length, options);
        int n = tables.Rows * length, m = tables.Rows * tables.Baselines!.TeacherLength;
        Tensor padding = tensor([.. Enumerable.Range(0, StudentVocabulary).Select(v => v < UsedStudentTokens ? 0 : -1e30)], dtype: dtype);
        Tensor Matrix(int rows, int columns) => tensor(Draw(rows * columns), dtype: dtype).reshape(rows, columns);
        return (tables, new ObjectiveInputs
        {
            Tables = tables,
            Logits_NV = Matrix(n, StudentVocabulary) + padding,
            OutputEmbeddings_VH = Matrix(StudentVocabulary, 4),
            Hidden_NH = new Dictionary<int, Tensor> { [0] = Matrix(n, 4).requires_grad_(), [2] = Matrix(n, 4).requires_grad_() },
            Teacher = new()
            {
                Logits_MV = Matrix(m, TeacherVocabulary),
                OutputEmbeddings_VH = Matrix(TeacherVocabulary, 6),
                Hidden_MH = new Dictionary<int, Tensor> { [0] = Matrix(m, 6), [3] = Matrix(m, 6) },
            },
        });
    }

    private Example WithIds(Example example) => example with
    {
        Student = example.Student with { Ids = [.. example.Student.Ids.Select(_ => _random.Next(UsedStudentTokens))] },
        Teacher = example.Teacher! with { Tokens = example.Teacher.Tokens with { Ids = [.. example.Teacher.Tokens.Ids.Select(_ => _random.Next(TeacherVocabulary))] } },
    };

    private double[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (_random.NextDouble() - 0.5) * 4)];

    private static double[] Row(Tensor matrix, long row) => matrix.detach().select(0, row).clone().cpu().data<double>().ToArray();

    private static double[] Softmax(double[] logits, double temperature)
    {
        double[] powers = [.. logits.Select(x => Math.Exp(x / temperature))];
        double sum = powers.Sum();
        return [.. powers.Select(p => p / sum)];
    }
}
