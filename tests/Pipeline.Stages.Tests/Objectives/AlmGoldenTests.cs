using System.Text.Json;
using Pipeline.Stages.Objectives;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class AlmGoldenTests(ITestOutputHelper output) : TorchTest
{
    /// <summary>
    /// The value and the gradient of every variant. Where chunks are merged, the reference divides by counts that it merged a second time. Its own number
    /// is compared with our sum over that divisor, and the number without this defect with our result.
    /// </summary>
    [Fact]
    public void Every_variant_has_the_references_value_and_gradient()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        int variants = 0, repaired = 0;
        foreach (string name in GoldenCase.Names)
        {
            using var scope = NewDisposeScope();
            var golden = new GoldenCase(name);
            foreach (JsonElement result in golden.Results("alm"))
            {
                if (result.TryGetProperty("error", out JsonElement error) && error.ValueKind != JsonValueKind.Null)
                    continue;
                variants++;
                repaired += Check(golden, result) ? 1 : 0;
            }
        }
        output.WriteLine($"{variants} variants, {repaired} with a repaired divisor");
        Assert.True(variants >= 130 && repaired >= 30, $"{variants} variants, {repaired} repaired");
    }

    private static bool Check(GoldenCase golden, JsonElement result)
    {
        using var scope = NewDisposeScope();
        string what = $"{golden.Name} {result.GetProperty("name").GetString()}";
        string mode = golden.Argument(result, "alm_mode").GetString()!, kind = result.GetProperty("chunk_kind").GetString()!;
        bool merges = mode.Contains("merge_by_space_prob", StringComparison.Ordinal);
        var options = new AlmOptions
        {
            Divergence = DivergenceTests.Kind(golden.Argument(result, "alm_diff_fn").GetString()!),
            Temperature = golden.Argument(result, "binarization_temp").GetDouble(),
            RenyiAlpha = golden.Argument(result, "renyi_alpha").GetDouble(),
            Boundary = mode.Contains("append_space", StringComparison.Ordinal) ? BoundaryMode.AppendBoundary : BoundaryMode.None,
            Gamma = merges ? golden.Argument(result, "tokenizer_pair_bias_threshold").GetDouble() : null,
            ChunkSizes = [.. golden.Argument(result, "distill_chunk_sizes").EnumerateArray().Select(e => e.GetInt32())],
            Numerator = Weighting(golden.Argument(result, "distill_main_path_numerator").GetString()!),
            Denominator = Weighting(golden.Argument(result, "distill_main_path_denominator").GetString()!),
        };

        Tensor logits = golden.Doubles("in.student_logits").requires_grad_();
        Tensor logP = GoldenCase.LogP(logits, golden.Doubles("in.logit_mask_new"));
        Tensor logLikelihood = GoldenCase.NextToken(logP, golden.Tensors.Longs("in.input_ids_new"));
        bool eos = mode.Contains("eos_as_space", StringComparison.Ordinal);
        Tensor Boundary(Tensor p, string side, string eosName) => eos
            ? p.select(2, golden.Json.GetProperty(eosName).GetInt32()).flatten()
            : GoldenCase.Boundary(p, golden.Tensors.Bools($"in.space_mask_{side}"));
        Tensor logBoundary = Boundary(logP, "new", "eos_student");
        double[] teacherBoundary = Boundary(golden.TeacherLogP, "teacher", "eos_teacher").cpu().data<double>().ToArray();

        int[] batch = result.GetProperty("batch_rows") is { ValueKind: JsonValueKind.Array } range
            ? [range[0].GetInt32(), range[1].GetInt32()] : [0, golden.Rows];
        var objective = new AlmObjective(options);
        GoldenChunks local = Chunks(golden, kind, teacherBoundary, options.Gamma, batch[0], batch[1]);
        GoldenChunks all = merges ? local : Chunks(golden, kind, teacherBoundary, options.Gamma, 0, golden.Rows);
        int rows = batch[1] - batch[0], countedRows = merges ? rows : golden.Rows;

        Tensor sum = objective.Sum(local.Batch, logLikelihood, options.Boundary == BoundaryMode.AppendBoundary ? logBoundary : null);
        double literalCount = LiteralCount(all.LiteralTokens_RC, options.ChunkSizes, options.Denominator);
        Tensor literal = sum / literalCount * countedRows / rows;
        literal.backward();

        JsonElement alternatives = result.GetProperty("alternatives_f64");
        double expected = alternatives.GetProperty("empty_chunks_excluded").Number();
        double tolerance = options is { Divergence: DivergenceKind.Renyi, RenyiAlpha: 2 } ? 2e-3 : 1e-5;
        if (double.IsNaN(expected))
        {
            Assert.Equal(0, literalCount);
        }
        else
        {
            DivergenceTests.AssertClose(expected, literal.item<double>(), tolerance, what);
            JsonElement grad = result.GetProperty("grads").GetProperty("student_logits");
            string key = grad.TryGetProperty("tensor_empty_chunks_excluded", out JsonElement excluded) ? excluded.GetString()! : grad.GetProperty("tensor").GetString()!;
            AssertGradient(golden.Tensors.Floats(key), logits.grad!.narrow(0, batch[0], rows), tolerance * 10, what);
        }

        if (!alternatives.TryGetProperty("no_double_merge", out JsonElement right))
        {
            DivergenceTests.AssertClose(literalCount, objective.Count(all.Batch), 1e-12, what + " count");
            return false;
        }
        DivergenceTests.AssertClose(right.Number(), sum.item<double>() / objective.Count(local.Batch), tolerance, what + " repaired");
        return literalCount != objective.Count(local.Batch);
    }

    /// <summary>The reference's matrices as chunks by index, and the counts that it divides by, for each row and column.</summary>
    private static GoldenChunks Chunks(GoldenCase golden, string kind, double[] teacherBoundary, double? gamma, int begin, int end)
    {
        var builder = new ChunkBatchBuilder(golden.Rows, golden.Length);
        var literal = new List<int[]>();
        var columnOf = new List<int>();
        for (int row = begin; row < end; row++)
        {
            GoldenColumn[] columns = golden.ColumnsOf(row, kind, teacherBoundary);
            var parts = new List<ChunkPart>();
            var group = new int[columns.Length];
            int passed = 0;
            bool seen = false, gap = false;
            for (int c = 0; c < columns.Length; c++)
            {
                GoldenColumn column = columns[c];
                group[c] = gamma is null ? c : passed;
                if (Math.Exp(column.LogBoundary) > gamma)
                    passed++;
                if (column.Tokens == 0)
                {
                    gap = seen;
                    continue;
                }
                Assert.False(gap, $"column {c}: the reference merges over columns that do not count; no case does");
                // In two rows of case 2, the loss mask leaves a chunk without student tokens. The reference counts it with a likelihood of 1 and the boundary
                // mass of position 0. Ours leaves such a chunk out (ChunkBatchTests).
                int first = column.Student.Length > 0 ? column.Student[0] : 1, after = column.Student.Length > 0 ? column.Student[^1] + 1 : 1;
                Assert.Equal(column.Student.Length, after - first);
                seen = true;
                if (columnOf.Count == 0 || parts.Count == 0 || columnOf[^1] != group[c])
                    columnOf.Add(group[c]);
                parts.Add(new ChunkPart(
                    (float)column.LogLikelihood, (float)column.LogBoundary, column.Tokens, column.TeacherLast, first, after, c, false));
            }
            builder.Add(row, parts, gamma, 0);
            var once = new int[columns.Length];
            for (int c = 0; c < columns.Length; c++)
                once[group[c]] += columns[c].Tokens;
            var twice = new int[columns.Length];
            for (int c = 0; c < columns.Length; c++)
                twice[group[c]] += columns[c].Tokens > 0 ? once[c] : 0;
            literal.Add(gamma is null ? once : twice);
        }
        ChunkBatch batch = builder.Build();
        Assert.Equal(batch.Count, columnOf.Count);
        return new GoldenChunks(batch with { Column = [.. columnOf] }, [.. literal]);
    }

    private static double LiteralCount(int[][] tokens_RC, IReadOnlyList<int> sizes, ChunkWeighting denominator)
    {
        double count = 0;
        foreach (int size in sizes)
        {
            foreach (int[] row in tokens_RC)
            {
                foreach (int n in row.Chunk(size).Select(block => block.Sum()))
                    count += denominator == ChunkWeighting.TokenCount ? n : n > 0 ? 1 : 0;
            }
        }
        return count;
    }

    private static ChunkWeighting Weighting(string name) => Enum.Parse<ChunkWeighting>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);

    internal static void AssertGradient(float[] expected, Tensor gradient, double tolerance, string what)
    {
        double[] actual = gradient.to_type(ScalarType.Float64).contiguous().cpu().data<double>().ToArray();
        Assert.Equal(expected.Length, actual.Length);
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < actual.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * largest + 1e-7, $"{what}: gradient {i} is {actual[i]}, expected {expected[i]} (max {largest})");
    }

    private sealed record GoldenChunks(ChunkBatch Batch, int[][] LiteralTokens_RC);
}
