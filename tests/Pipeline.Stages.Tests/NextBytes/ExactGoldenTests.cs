using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>Exact next bytes against those of an independent program in float64, for every text in the folder <c>golden/exact</c>.</summary>
public sealed class ExactGoldenTests(ITestOutputHelper output) : TorchTest
{
    private static readonly TorchDevice Device = TorchDevice.Create(DeviceChoice.Cpu, 1);

    [Fact]
    public void From_its_nodes_and_masks_the_sums_are_the_references()
        => Each((golden, vocabulary, rule) =>
        {
            int vocabularySize = golden.Mask.Length / golden.Nodes.Count;
            var tree = new GoldenNodes(golden, vocabulary, rule, vocabularySize);
            double worst = WorstLog(golden.LogP(), tree.Rows());
            output.WriteLine($"{golden.Name}: {golden.Nodes.Count} nodes, log p off by {worst:g3}");
            Assert.True(worst <= 1e-9, $"{golden.Name}: log p off by {worst:g3}");
            double prefix = golden.PrefixLogProbability.Zip(tree.Prefixes(), (a, b) => Math.Abs(a - b)).Max();
            Assert.True(prefix <= 1e-9, $"{golden.Name}: log P(prefix) off by {prefix:g3}");
        });

    [Fact]
    public void From_the_model_and_the_text_alone_the_distributions_are_the_references()
    {
        var storage = new DiskStorage();
        Each((golden, vocabulary, rule) =>
        {
            using LanguageModel model = LanguageModel.Load(golden.ModelFolder, vocabulary.Tokenizer, storage, Device);
            using var view = new NextByteModel(model.Model, vocabulary);
            ByteText text = ByteText.Of(golden.Text, vocabulary.Tokenizer.CreateEncoder(), vocabulary, vocabulary.Tokenizer.BosId);
            Assert.Equal(golden.Bytes, text.Bytes);
            ScoredBytes scored = view.Score([text], BytesView.Exact)[0];
            double[] expected = golden.LogP(), row = new double[ByteVocabulary.Symbols];
            double worst = 0, sum = 0;
            for (int k = 0; k <= text.Bytes.Length; k++)
            {
                scored.Law.Row(k, row);
                sum = Math.Max(sum, Math.Abs(row.Sum() - 1));
                for (int x = 0; x < row.Length; x++)
                    worst = Math.Max(worst, Math.Abs(row[x] - Math.Exp(expected[(k * row.Length) + x])));
            }
            output.WriteLine($"{golden.Name}: {scored.Contexts} contexts, the reference has {golden.Nodes.Count}; p off by {worst:g3}, sums by {sum:g3}");
            Assert.True(sum <= 1e-9, $"{golden.Name}: a row's sum is off by {sum:g3}");
            Assert.True(worst <= 1e-4, $"{golden.Name}: p off by {worst:g3}");
        });
    }

    private void Each(Action<ExactGolden, ByteVocabulary, ContinuationRule> check)
    {
        if (SharedFolder.Below(Path.Combine("golden", "exact"), output) is not { } root)
            return;
        int texts = 0;
        foreach (string path in ExactGolden.Files(root))
        {
            using var golden = new ExactGolden(path);
            TextTokenizer tokenizer = TextTokenizer.Load(golden.ModelFolder, new DiskStorage());
            var vocabulary = new ByteVocabulary(tokenizer, golden.Ends.ToHashSet(), tokenizer.VocabularySize);
            check(golden, vocabulary, new ContinuationRule(vocabulary));
            texts++;
        }
        Assert.NotEqual(0, texts);
    }

    private static double WorstLog(double[] expected, double[] found)
        => expected.Zip(found, (a, b) => double.IsNegativeInfinity(a) && double.IsNegativeInfinity(b) ? 0 : Math.Abs(a - b)).Max();
}
