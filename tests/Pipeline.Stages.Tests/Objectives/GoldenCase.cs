using System.Text.Json;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

/// <summary>A case of <c>golden/losses</c>, with the reference's boolean matrices as index lists. B rows, T positions.</summary>
internal sealed class GoldenCase
{
    private readonly SafetensorsReader _tensors;
    private readonly double[,] _teacherNext;

    public GoldenCase(string name)
    {
        Name = name;
        Json = GoldenFolder.Json($"losses/{name}.json");
        _tensors = GoldenFolder.Tensors($"losses/{name}.safetensors");
        long[] teacher = _tensors.Shape("in.teacher_logits"), student = _tensors.Shape("in.student_logits");
        (Rows, TeacherLength, Length) = ((int)teacher[0], (int)teacher[1], (int)student[1]);
        Columns = Math.Min(TeacherLength, Length);
        Tensor logP = LogP(_tensors.Doubles("in.teacher_logits"), Doubles("in.logit_mask_teacher"));
        double[] next = NextToken(logP, _tensors.Longs("in.input_ids_original")).cpu().data<double>().ToArray();
        _teacherNext = new double[Rows, TeacherLength];
        Buffer.BlockCopy(next, 0, _teacherNext, 0, next.Length * sizeof(double));
        TeacherLogP = logP;
    }

    public static string[] Names => ["case1_qwen2_to_llama3", "case2_llama3_to_gemma2_padvocab", "case3_equal_length", "case4_same_tokens"];

    public string Name { get; }

    public JsonElement Json { get; }

    public int Rows { get; }

    public int TeacherLength { get; }

    public int Length { get; }

    public int Columns { get; }

    public SafetensorsReader Tensors => _tensors;

    public Tensor TeacherLogP { get; }

    public IEnumerable<JsonElement> Results(string loss) => Json.GetProperty("results").EnumerateArray().Where(r => r.GetProperty("loss").GetString() == loss);

    public Tensor Doubles(string name) => _tensors.Doubles(name);

    /// <summary>An argument of a variant, which is the case's default where the variant does not set it.</summary>
    public JsonElement Argument(JsonElement result, string name)
    {
        if (result.TryGetProperty("args", out JsonElement args) && args.TryGetProperty(name, out JsonElement own))
            return own;
        return Json.GetProperty("defaults").GetProperty(name);
    }

    public JsonElement Baseline(JsonElement result, string name)
    {
        if (result.TryGetProperty("baseline", out JsonElement args) && args.ValueKind == JsonValueKind.Object && args.TryGetProperty(name, out JsonElement own))
            return own;
        return Json.GetProperty("baseline_defaults").GetProperty(name);
    }

    /// <summary>min(0, log softmax(logits + mask)).</summary>
    public static Tensor LogP(Tensor logits_BTV, Tensor mask_V) => nn.functional.log_softmax(logits_BTV + mask_V, -1).clamp_max(0);

    /// <summary>[B·T] log p(token i | tokens before i); 0 at the first position of a row.</summary>
    public static Tensor NextToken(Tensor logP_BTV, long[] ids)
    {
        long rows = logP_BTV.size(0), length = logP_BTV.size(1);
        Tensor index = tensor(ids).reshape(rows, length, 1);
        Tensor next = logP_BTV.narrow(1, 0, length - 1).gather(2, index.narrow(1, 1, length - 1)).squeeze(-1);
        return cat([zeros(rows, 1, dtype: next.dtype), next], 1).flatten();
    }

    /// <summary>[B·T] the log boundary mass after each position.</summary>
    public static Tensor Boundary(Tensor logP_BTV, bool[] boundary_V)
    {
        Tensor outside = tensor(Array.ConvertAll(boundary_V, b => !b));
        return logP_BTV.masked_fill(outside, -1e30).logsumexp(-1).clamp_max(0).flatten();
    }

    /// <summary>t, n and last of every column on the teacher's side; positions of every column on the student's.</summary>
    public GoldenColumn[] ColumnsOf(int row, string kind, double[] teacherBoundary)
    {
        bool[] b = _tensors.Bools($"in.alignment_matrix_b_{kind}"), a = _tensors.Bools($"in.alignment_matrix_a_{kind}");
        bool[] teacherMask = _tensors.Bools("in.loss_mask_original"), studentMask = _tensors.Bools("in.loss_mask_new");
        var columns = new GoldenColumn[Columns];
        for (int c = 0; c < Columns; c++)
        {
            bool Teacher(int i) => b[(row * TeacherLength + i) * Columns + c] && teacherMask[row * TeacherLength + i];
            bool Student(int i) => a[(row * Length + i) * Columns + c] && studentMask[row * Length + i];
            int[] tokens = [.. Enumerable.Range(1, TeacherLength - 1).Where(Teacher)];
            int last = Last(TeacherLength, Teacher);
            columns[c] = new GoldenColumn(
                Math.Min(0, tokens.Sum(i => _teacherNext[row, i])), tokens.Length, last, teacherBoundary[row * TeacherLength + last],
                [.. Enumerable.Range(0, Length).Where(Student)], Last(Length, Student));
        }
        return columns;
    }

    private static int Last(int length, Func<int, bool> member)
    {
        for (int i = 0; i < length; i++)
        {
            if (member(i) && (i + 1 == length || !member(i + 1)))
                return i;
        }
        return 0;
    }
}

internal sealed record GoldenColumn(double LogLikelihood, int Tokens, int TeacherLast, double LogBoundary, int[] Student, int StudentLast);
