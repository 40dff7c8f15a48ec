using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class SftObjectiveTests(ITestOutputHelper output) : TorchTest
{
    [Fact]
    public void Value_and_gradient_are_the_references()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        foreach (string name in GoldenCase.Names)
        {
            var golden = new GoldenCase(name);
            foreach (JsonElement result in golden.Results("sft"))
            {
                Tensor logits = golden.Doubles("in.student_logits").requires_grad_();
                Tensor logLikelihood = GoldenCase.NextToken(GoldenCase.LogP(logits, golden.Doubles("in.logit_mask_new")), golden.Tensors.Longs("in.input_ids_new"));
                bool[] counts = golden.Tensors.Bools("in.loss_mask_new");
                int begin = 0, end = golden.Rows;
                if (result.GetProperty("batch_rows") is { ValueKind: JsonValueKind.Array } range)
                    (begin, end) = (range[0].GetInt32(), range[1].GetInt32());
                float[] mask = [.. counts.Select((c, i) => c && i % golden.Length > 0 && i / golden.Length >= begin && i / golden.Length < end ? 1f : 0)];
                double targets = counts.Where((c, i) => c && i % golden.Length > 0).Count();
                Tensor loss = SftObjective.Sum(logLikelihood, mask) / targets * golden.Rows / (end - begin);
                loss.backward();
                DivergenceTests.AssertClose(result.GetProperty("value_f64").Number(), loss.item<double>(), 1e-6, name);
                string key = result.GetProperty("grads").GetProperty("student_logits").GetProperty("tensor").GetString()!;
                AlmGoldenTests.AssertGradient(golden.Tensors.Floats(key), logits.grad!.narrow(0, begin, end - begin), 1e-5, name);
            }
        }
    }

    [Fact]
    public void Only_scored_tokens_of_the_loss_mask_count()
    {
        var example = new Example(
            new DocumentId(1, 2, 0), "abc", new TokenSequence([7, 8, 9, 10], [0, 1, 2, 3], null, [true, false, true, true]), null, []);
        BatchTables tables = BatchTables.From([example], 6, new ObjectivesOptions { Sft = new() });
        Assert.Equal([0, 0, 1, 1, 0, 0], tables.TargetMask_N);
        Assert.Equal(2, tables.Targets);
        var objective = new SftObjective(new());
        ObjectiveResult result = objective.Compute(new() { Tables = tables, LogLikelihood_N = tensor(new float[] { 0, -1, -2, -4, -8, -16 }) });
        Assert.Equal(6, result.Sum.item<float>());
        Assert.Equal(3, result.Mean().item<float>());
        Assert.Equal(result.Count, objective.Count(tables));
    }
}
