using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives.Baselines;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class BaselineGoldenTests(ITestOutputHelper output) : TorchTest
{
    [Fact]
    public void Divergences_between_logits_are_the_references()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json("losses/baseline_divergences.json");
        Tensor Read(JsonElement matrix) => tensor(matrix.EnumerateArray().SelectMany(r => r.Numbers()).ToArray()).reshape(matrix.GetArrayLength(), -1);
        int functions = 0;
        foreach (JsonElement function in golden.GetProperty("functions").EnumerateArray())
        {
            string name = function.GetProperty("name").GetString()!;
            double Argument(string key, double fallback) => function.TryGetProperty(key, out JsonElement v) && v.ValueKind == JsonValueKind.Number ? v.GetDouble() : fallback;
            Tensor student = Read(golden.GetProperty("student_logits")).requires_grad_();
            Tensor values = LogitDivergence.Of(
                DivergenceOf(name), student, Read(golden.GetProperty("teacher_logits")), Argument("kd_temp", 1), Argument("tea_temp", 1),
                Argument("skew_lambda", 0.1), Argument("alpha", Argument("adaptive_kl_alpha", 0.5)));
            values.sum().backward();
            double[] expected = function.GetProperty("value_per_row").Numbers(), actual = values.cpu().data<double>().ToArray();
            for (int i = 0; i < expected.Length; i++)
                DivergenceTests.AssertClose(expected[i], actual[i], 1e-6, $"{function} row {i}");
            float[] gradient = [.. function.GetProperty("grad_student_logits").EnumerateArray().SelectMany(r => r.Numbers()).Select(x => (float)x)];
            AlmGoldenTests.AssertGradient(gradient, student.grad!, 1e-5, name);
            functions++;
        }
        Assert.True(functions >= 15);
    }

    [Fact]
    public void Uld_has_the_references_value_and_gradient()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        int cases = 0;
        foreach (string name in GoldenCase.Names)
        {
            var golden = new GoldenCase(name);
            foreach (JsonElement result in golden.Results("uld").Where(r => !r.TryGetProperty("error", out JsonElement e) || e.ValueKind == JsonValueKind.Null))
            {
                Tensor student = golden.Doubles("in.student_logits").requires_grad_();
                Tensor mask = tensor(Array.ConvertAll(golden.Tensors.Longs("in.attention_mask_new"), m => (double)m));
                Tensor rows = UldLoss.PerRow(
                    (student + golden.Doubles("in.logit_mask_new")).flatten(0, 1), (golden.Doubles("in.teacher_logits") + golden.Doubles("in.logit_mask_teacher")).flatten(0, 1));
                Tensor loss = (rows * mask).sum() / mask.sum();
                loss.backward();
                DivergenceTests.AssertClose(result.GetProperty("value_f64").Number(), loss.item<double>(), 1e-6, name);
                Compare(golden, result, "student_logits", student.grad!, 1, name);
                cases++;
            }
        }
        Assert.Equal(2, cases);
    }

    [Fact]
    public void Mined_has_the_references_numbers_with_its_divisor_and_with_the_intended_one()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        int differ = 0;
        foreach (string name in GoldenCase.Names)
        {
            var golden = new GoldenCase(name);
            foreach (JsonElement result in golden.Results("mined"))
            {
                int begin = 0, end = golden.Rows;
                if (result.GetProperty("batch_rows") is { ValueKind: JsonValueKind.Array } range)
                    (begin, end) = (range[0].GetInt32(), range[1].GetInt32());
                BaselineTables whole = Tables(golden, 0, golden.Rows);
                MinedTables local = MinedTables.From(Tables(golden, begin, end));
                Tensor student = golden.Doubles("in.student_logits").requires_grad_();
                long[] mapping = golden.Tensors.Longs("in.mined_mapping");
                int vocabulary = (int)student.size(2);
                Tensor unused = tensor(Array.ConvertAll(golden.Tensors.Floats("in.logit_mask_new"), m => m < 0));
                Tensor sum = MinedLoss.Sum(
                    (student + golden.Doubles("in.logit_mask_new")).flatten(0, 1), (golden.Doubles("in.teacher_logits") + golden.Doubles("in.logit_mask_teacher")).flatten(0, 1),
                    local, whole.Ids_N, tensor([.. mapping, .. Enumerable.Repeat(0L, vocabulary - mapping.Length)]), unused, golden.Baseline(result, "kd_temp").GetDouble());
                double intended = MinedTables.From(whole).Count;
                string what = $"{name} {result.GetProperty("name").GetString()}";
                double right = result.GetProperty("alternatives_f64").GetProperty("precedence_fixed").Number(), literal = result.GetProperty("value_f64").Number();
                DivergenceTests.AssertClose(right, sum.item<double>() / intended, 1e-6, what);
                double divisor = LiteralDivisor(golden);
                DivergenceTests.AssertClose(literal, sum.item<double>() / divisor, 1e-6, what + " literal");
                differ += right != literal ? 1 : 0;
                (sum / divisor).backward();
                Compare(golden, result, "student_logits", student.grad!.narrow(0, begin, end - begin), 1, what);
            }
        }
        Assert.True(differ >= 8);
    }

    [Fact]
    public void Dskd_has_the_references_terms_and_gradients()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        int compared = 0, overflowing = 0;
        foreach (string name in GoldenCase.Names)
        {
            var golden = new GoldenCase(name);
            foreach (JsonElement result in golden.Results("dskd"))
            {
                using var scope = NewDisposeScope();
                string what = $"{name} {result.GetProperty("name").GetString()}";
                bool literal = result.GetProperty("value_f64").Number() <= 1e6;
                DskdRun run = Dskd(golden, result, maskUnused: !literal);
                double distillation = run.Terms.Distillation.item<double>();
                JsonElement report = result.GetProperty("report");
                DivergenceTests.AssertClose(report.GetProperty("t2s_ce_loss").Number(), run.CrossEntropy.item<double>(), 1e-5, what + " ce");
                DivergenceTests.AssertClose(report.GetProperty("s2t_kd_loss").Number(), run.Back.item<double>(), 1e-5, what + " back");
                if (!literal)
                {
                    // The reference leaves ids that are no token in the teacher's distribution. Only without them is the value finite.
                    Assert.InRange(distillation, 0, 100);
                    overflowing++;
                    continue;
                }
                DivergenceTests.AssertClose(report.GetProperty("t2s_kd_loss").Number(), distillation, 1e-5, what + " kd");
                Tensor loss = run.CrossEntropy + run.Terms.Distillation + run.Back;
                DivergenceTests.AssertClose(result.GetProperty("value_f64").Number(), loss.item<double>(), 1e-5, what);
                loss.backward();
                foreach (JsonProperty grad in result.GetProperty("grads").EnumerateObject().Where(g => g.Name != "new_embeddings"))
                    Compare(golden, result, grad.Name, run.Inputs[grad.Name].grad!, 1, what);
                compared++;
            }
        }
        Assert.Equal((18, 2), (compared, overflowing));
    }

    private static DskdRun Dskd(GoldenCase golden, JsonElement result, bool maskUnused)
    {
        var inputs = new Dictionary<string, Tensor>();
        Tensor Trained(string name) => inputs[name] = golden.Doubles("in." + name).requires_grad_();
        Tensor Mask(string name, long length) => tensor(golden.Tensors.Bools(name)).reshape(golden.Rows, length);
        Tensor Real(string name, long length) => tensor(Array.ConvertAll(golden.Tensors.Longs(name), m => m != 0)).reshape(golden.Rows, length);
        Projector Projector(string name) => new(name, Trained($"projector_{name}.kernel"), Trained($"projector_{name}.bias"));
        Tensor Embeddings(string name) => golden.Doubles(name) is var e ? e.select(1, e.size(1) - 1) : throw new InvalidOperationException();

        Tensor unused = golden.Doubles("in.logit_mask_new");
        var student = new DskdStudent(
            Trained("student_hidden_0"), Trained("student_hidden_2"), Trained("student_logits") + unused, Embeddings("in.new_embeddings"),
            tensor(golden.Tensors.Longs("in.input_ids_new")).reshape(golden.Rows, golden.Length), Real("in.attention_mask_new", golden.Length),
            Mask("in.loss_mask_new", golden.Length), unused < 0);
        var teacher = new DskdTeacher(
            golden.Doubles("in.teacher_hidden_0"), golden.Doubles("in.teacher_hidden_2"), golden.Doubles("in.teacher_logits") + golden.Doubles("in.logit_mask_teacher"),
            Embeddings("in.teacher_embeddings"), Real("in.attention_mask_original", golden.TeacherLength), Mask("in.loss_mask_original", golden.TeacherLength));
        DskdTerms terms = DskdLoss.Compute(
            student, teacher, new DskdProjectors(Projector("query"), Projector("s2t"), Projector("t2s")), new DskdDivergence(
                DivergenceOf(golden.Baseline(result, "divergence").GetString()!), golden.Baseline(result, "kd_temp").GetDouble(),
                golden.Baseline(result, "teacher_temperature").GetDouble(), golden.Baseline(result, "skew_lambda").GetDouble(),
                golden.Baseline(result, "adaptive_kl_alpha").GetDouble(), maskUnused));
        double targets = student.Counts_BT.narrow(1, 1, golden.Length - 1).sum().item<long>();
        double teacherTargets = teacher.Counts_BT.narrow(1, 1, golden.TeacherLength - 1).sum().item<long>();
        return new DskdRun(terms, terms.CrossEntropySum / targets, terms.BackSum / teacherTargets, inputs);
    }

    private static LogitDivergenceKind DivergenceOf(string name) => name switch
    {
        "forward_kl" or "kl" => LogitDivergenceKind.ForwardKl,
        "reverse_kl" or "rkl" => LogitDivergenceKind.ReverseKl,
        "adaptive_kl" or "akl" => LogitDivergenceKind.AdaptiveKl,
        "skewed_forward_kl" or "sfkl" or "skl" => LogitDivergenceKind.SkewedForwardKl,
        "skewed_reverse_kl" or "srkl" => LogitDivergenceKind.SkewedReverseKl,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    private static void Compare(GoldenCase golden, JsonElement result, string input, Tensor gradient, double scale, string what)
    {
        if (result.GetProperty("grads").TryGetProperty(input, out JsonElement grad))
            AlmGoldenTests.AssertGradient(golden.Tensors.Floats(grad.GetProperty("tensor").GetString()!), gradient * scale, 1e-5, $"{what} {input}");
    }

    private static BaselineTables Tables(GoldenCase golden, int begin, int end)
    {
        bool[] b = golden.Tensors.Bools("in.alignment_matrix_b_unconstrained"), a = golden.Tensors.Bools("in.alignment_matrix_a_unconstrained");
        var chunks = new List<Chunk>();
        for (int row = begin; row < end; row++)
        {
            for (int c = 0; c < golden.Columns; c++)
            {
                int[] teacher = [.. Enumerable.Range(row * golden.TeacherLength, golden.TeacherLength).Where(i => b[i * golden.Columns + c])];
                int[] student = [.. Enumerable.Range(row * golden.Length, golden.Length).Where(i => a[i * golden.Columns + c])];
                if (teacher.Length > 0 && student.Length > 0)
                    chunks.Add(new Chunk(teacher[0], teacher[^1] + 1, student[0], student[^1] + 1));
            }
        }
        return new BaselineTables
        {
            Rows = golden.Rows,
            Length = golden.Length,
            TeacherLength = golden.TeacherLength,
            Ids_N = golden.Tensors.Longs("in.input_ids_new"),
            Real_N = Array.ConvertAll(golden.Tensors.Longs("in.attention_mask_new"), m => m != 0),
            Counts_N = golden.Tensors.Bools("in.loss_mask_new"),
            Ids_M = golden.Tensors.Longs("in.input_ids_original"),
            Real_M = Array.ConvertAll(golden.Tensors.Longs("in.attention_mask_original"), m => m != 0),
            Counts_M = golden.Tensors.Bools("in.loss_mask_original"),
            Chunks = [.. chunks],
        };
    }

    // What the reference divides by. A pair of brackets is missing there, so that it compares the student's count with (the teacher's count & 1). Empty
    // columns therefore count as one token on both sides, and the student's rows of columns that are taken for such ones are lost.
    private static double LiteralDivisor(GoldenCase golden)
    {
        bool[] b = golden.Tensors.Bools("in.alignment_matrix_b_unconstrained"), a = golden.Tensors.Bools("in.alignment_matrix_a_unconstrained");
        bool[] countsN = golden.Tensors.Bools("in.loss_mask_new"), countsM = golden.Tensors.Bools("in.loss_mask_original");
        double divisor = 0;
        for (int row = 0; row < golden.Rows; row++)
        {
            for (int c = 0; c < golden.Columns; c++)
            {
                int t = Enumerable.Range(1, golden.TeacherLength - 2).Count(i => b[(row * golden.TeacherLength + i) * golden.Columns + c] && countsM[row * golden.TeacherLength + i + 1]);
                int s = Enumerable.Range(1, golden.Length - 2).Count(i => a[(row * golden.Length + i) * golden.Columns + c] && countsN[row * golden.Length + i + 1]);
                bool equal = s == (t & 1);
                divisor += equal ? 1 : s;
            }
        }
        return divisor;
    }

    private sealed record DskdRun(DskdTerms Terms, Tensor CrossEntropy, Tensor Back, Dictionary<string, Tensor> Inputs);
}
