using System.Text.Json;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Baselines;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class LatentsGoldenTests(ITestOutputHelper output) : TorchTest
{
    [Fact]
    public void Every_variant_over_hidden_states_has_the_references_value_and_gradients()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        int variants = 0, attention = 0;
        foreach (string name in GoldenCase.Names)
        {
            var golden = new GoldenCase(name);
            foreach (JsonElement result in golden.Results("alm_latents"))
            {
                // Our models do not give out queries, keys and values, so that a definition cannot ask for these variants.
                if (golden.Argument(result, "latents_to_align").GetString()!.Contains("qkv", StringComparison.Ordinal))
                {
                    attention++;
                    continue;
                }
                Check(golden, result);
                variants++;
            }
        }
        output.WriteLine($"{variants} variants; {attention} over queries, keys and values not supported");
        Assert.Equal((38, 6), (variants, attention));
    }

    private static void Check(GoldenCase golden, JsonElement result)
    {
        using var scope = NewDisposeScope();
        string what = $"{golden.Name} {result.GetProperty("name").GetString()}";
        string kind = golden.Argument(result, "latents_chunks").GetString() == "naive" ? "unconstrained" : "space";
        bool all = golden.Argument(result, "latents_to_align").GetString() == "all_hidden_states";
        int[] layers = all ? [0, 1, 2] : [2];
        var options = new LatentsOptions
        {
            Normalization = Enum.Parse<LatentNormalization>(golden.Argument(result, "latents_normalization").GetString()!.Replace("_", "", StringComparison.Ordinal), true),
        };
        Projector? projector = golden.Argument(result, "latents_do_project").GetBoolean()
            ? new Projector("latents", golden.Doubles("in.projector_latents.kernel").requires_grad_(), golden.Doubles("in.projector_latents.bias").requires_grad_())
            : null;
        int begin = 0, end = golden.Rows;
        if (result.GetProperty("batch_rows") is { ValueKind: JsonValueKind.Array } range)
            (begin, end) = (range[0].GetInt32(), range[1].GetInt32());

        ChunkBatch local = Chunks(golden, kind, begin, end), whole = Chunks(golden, kind, 0, golden.Rows);
        Dictionary<int, Tensor> student = layers.ToDictionary(l => l, l => golden.Doubles($"in.student_hidden_{l}").requires_grad_());
        Dictionary<int, Tensor> teacher = layers.ToDictionary(l => l, l => golden.Doubles($"in.teacher_hidden_{l}").flatten(0, 1));
        var objective = new LatentsObjective(options, layers, layers, projector);
        ObjectiveInputs Inputs(LatentTables tables, bool online) => new()
        {
            Tables = new() { Rows = golden.Rows, Length = golden.Length, TargetMask_N = [], Targets = 0, Latents = tables },
            Hidden_NH = student.ToDictionary(p => p.Key, p => p.Value.flatten(0, 1)),
            Teacher = online ? new() { Hidden_MH = teacher } : null,
        };
        ObjectiveResult value = objective.Compute(Inputs(new LatentTables(local, [], 0, null), online: true));
        Assert.Equal(local.Count, value.Count);
        Tensor loss = value.Sum / whole.Count * golden.Rows / (end - begin);
        loss.backward();
        DivergenceTests.AssertClose(result.GetProperty("value_f64").Number(), loss.item<double>(), 1e-6, what);
        foreach (JsonProperty grad in result.GetProperty("grads").EnumerateObject())
        {
            Tensor gradient = grad.Name switch
            {
                "projector_latents.kernel" => projector!.Kernel_IO.grad!,
                "projector_latents.bias" => projector!.Bias_O.grad!,
                _ => student[grad.Name[^1] - '0'].grad!.narrow(0, begin, end - begin),
            };
            AlmGoldenTests.AssertGradient(golden.Tensors.Floats(grad.Value.GetProperty("tensor").GetString()!), gradient, 1e-5, what + grad.Name);
        }

        // The same states, but from shards, which only have those at chunk ends.
        float[] cached = [.. layers.SelectMany(l => local.TeacherLast.SelectMany((last, c) =>
            teacher[l].select(0, local.RowOf[c] * golden.TeacherLength + last).cpu().data<double>().ToArray().Select(x => (float)x)))];
        ObjectiveResult fromCache = objective.Compute(Inputs(new LatentTables(local, layers, (int)teacher[layers[0]].size(1), cached), online: false));
        DivergenceTests.AssertClose(value.Sum.item<double>(), fromCache.Sum.item<double>(), 1e-6, what + " cached");
    }

    private static ChunkBatch Chunks(GoldenCase golden, string kind, int begin, int end)
    {
        bool[] b = golden.Tensors.Bools($"in.alignment_matrix_b_{kind}"), a = golden.Tensors.Bools($"in.alignment_matrix_a_{kind}");
        var builder = new ChunkBatchBuilder(golden.Rows, golden.Length);
        for (int row = begin; row < end; row++)
        {
            var parts = new List<ChunkPart>();
            for (int c = 0; c < golden.Columns; c++)
            {
                int[] student = [.. Enumerable.Range(0, golden.Length).Where(i => a[(row * golden.Length + i) * golden.Columns + c])];
                int[] teacher = [.. Enumerable.Range(0, golden.TeacherLength).Where(i => b[(row * golden.TeacherLength + i) * golden.Columns + c])];
                if (student.Length > 0)
                    parts.Add(new ChunkPart(0, 0, teacher.Length, teacher[^1], student[0], student[^1] + 1, c, false));
            }
            builder.Add(row, parts, null, 0);
        }
        return builder.Build();
    }
}
