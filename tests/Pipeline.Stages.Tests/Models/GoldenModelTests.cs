using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class GoldenModelTests(ITestOutputHelper output)
{
    [Fact]
    public void Logits_and_all_hidden_states_are_those_of_the_reference_for_every_model_and_batch()
    {
        ForEach((model, reference) =>
        {
            using IDisposable quiet = no_grad();
            foreach (string batch in new[] { "A", "B", "C" })
            {
                if (!reference.Contains($"{batch}.input_ids"))
                    continue;
                Tensor mask = View(reference, $"{batch}.attention_mask");
                Tensor? positions = reference.Contains($"{batch}.position_ids") ? View(reference, $"{batch}.position_ids") : null;
                (Tensor logits, Tensor hidden) = LogitsFile.Compute(model, View(reference, $"{batch}.input_ids"), mask, positions);
                Tensor real = mask.to(ScalarType.Float32).unsqueeze(-1);
                double logitsOff = GoldenModels.MaxDifference(logits * real, View(reference, $"{batch}.logits") * real);
                double hiddenOff = GoldenModels.MaxDifference(hidden * real, View(reference, $"{batch}.hidden_states") * real);
                output.WriteLine($"{batch}: logits {logitsOff:E1}, hidden {hiddenOff:E1}");
                Assert.True(logitsOff <= GoldenModels.Tolerance, $"{batch}.logits are off by {logitsOff}");
                Assert.True(hiddenOff <= GoldenModels.Tolerance, $"{batch}.hidden_states are off by {hiddenOff}");
            }
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Loss_and_gradients_are_those_of_the_reference_with_and_without_checkpointing(bool checkpoint)
    {
        ForEach((model, reference) =>
        {
            if (!reference.Contains("B.ce_loss") || !reference.Entries.Any(entry => entry.Name.StartsWith("B.grad.", StringComparison.Ordinal)))
                return;
            model.SetTrainable(TrainablePart.Full);
            Tensor ids = View(reference, "B.input_ids"), mask = View(reference, "B.attention_mask");
            long batch = ids.size(0), length = ids.size(1);
            // Right padding needs no mask: no real query sees it.
            using AttentionContext attention = model.CreateAttention((int)batch, (int)length);
            Tensor hidden = model.Hidden(ids, attention, checkpoint).narrow(1, 0, length - 1).reshape(-1, model.Config.HiddenSize);
            Tensor targets = ids.narrow(1, 1, length - 1).masked_fill(mask.narrow(1, 1, length - 1).eq(0), -1).reshape(-1);
            HeadScores scores = VocabularyHead.Score(hidden, model.HeadWeight, targets, new HeadOptions(model.Config.FinalSoftcap, SliceTokens: 7));
            Tensor loss = -scores.LogLikelihood.sum() / targets.ge(0).sum();
            loss.backward();
            Assert.Equal(View(reference, "B.ce_loss").item<float>(), loss.item<float>(), 1e-4);
            double worst = 0;
            foreach (TensorEntry entry in reference.Entries.Where(entry => entry.Name.StartsWith("B.grad.", StringComparison.Ordinal)))
            {
                string name = entry.Name["B.grad.".Length..];
                Tensor expected = View(reference, entry.Name);
                double off = GoldenModels.MaxDifference(Gradient(model, name), expected), limit = GoldenModels.Tolerance * Math.Max(1, expected.abs().max().item<float>());
                worst = Math.Max(worst, off / limit);
                Assert.True(off <= limit, $"gradient of {name} is off by {off}, limit {limit}");
            }

            output.WriteLine($"worst gradient at {worst:P0} of its limit");
        });
    }

    // The reference's names are those of its files, which may hold several weights in one.
    private static Tensor Gradient(CausalLm model, string stored)
        => cat([.. WeightLayout.Of(model.Config).Single(each => each.Name == stored).Parts.Select(part => model.Parameters.Single(parameter => parameter.Name == part.Name).Tensor.grad!)]);

    private static Tensor View(SafetensorsFile reference, string name) => reference.View(name).to(TestDevice.Device);

    private void ForEach(Action<CausalLm, SafetensorsFile> test)
    {
        if (GoldenModels.Root is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }

        foreach (string folder in GoldenModels.Folders)
        {
            output.WriteLine(Path.GetFileName(folder));
            using DisposeScope scope = NewDisposeScope();
            using SafetensorsFile reference = GoldenModels.Reference(folder);
            using CausalLm model = CausalLm.Load(folder, new DiskStorage(), TestDevice.Device, ScalarType.Float32);
            test(model, reference);
        }
    }
}
